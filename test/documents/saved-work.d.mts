import type { Jdbx } from '#jdbx/index.js';

export const INDEXES: readonly { readonly _id: string; readonly _type: string }[];
export function randomOf(seed: number): () => number;
export function randomCall(random: () => number): { readonly _id: string; readonly _type: string };
export function randomCommit(db: Jdbx, random: () => number): Promise<void>;
