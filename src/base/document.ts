import type { ValueObject } from './values.js';

/** A stored document: deeply frozen, with the three fields that every one has. */
export interface Document extends ValueObject {
  readonly _id: string;
  readonly _type: string;
  /** 1, 2, 3 … of this `_id`. */
  readonly _rev: number;
}

/** What a writer hands in: `_type` is required, `_id` is made when absent, `_rev` asks for a check. */
export type NewDocument = {
  readonly _id?: string;
  readonly _type: string;
  readonly _rev?: number;
  readonly [key: string]: unknown;
};
