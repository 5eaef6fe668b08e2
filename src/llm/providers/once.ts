import type { Integration, ProviderCall } from '../contract.js';

/**
 * What is made of an integration alone is made once for it: it never changes, and another revision
 * of a document is another object.
 */
export function onceFor<T>(
  make: (integration: Integration) => T,
): (call: Pick<ProviderCall, 'integration'>) => T {
  const made = new WeakMap<Integration, { readonly value: T }>();
  return ({ integration }) => {
    const known = made.get(integration);
    if (known) return known.value;
    const value = make(integration);
    made.set(integration, { value });
    return value;
  };
}
