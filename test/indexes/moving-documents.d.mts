export const DOCUMENTS: number;
export const CELLS: {
  readonly published: number;
  readonly horizon: number;
  readonly finished: number;
  readonly pins: number;
  readonly rounds: number;
  readonly length: number;
};
export function documentAt(seq: number): number;
export function keyAt(document: number, seq: number): Uint8Array | undefined;
