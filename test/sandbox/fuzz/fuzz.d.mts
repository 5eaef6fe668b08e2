/** Everything about program number `index` of a seed. */
export function trialOf(seed: number, index: number): { readonly program: unknown };
