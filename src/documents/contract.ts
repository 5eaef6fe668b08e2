import type { Document, NewDocument } from '../base/document.js';

export type { Query } from '../query/contract.js';

/** A filter, update, projection or aggregation stage in MongoDB's language. */
export type Filter = { readonly [key: string]: unknown };
export type Update = { readonly [operator: string]: unknown } | readonly Filter[];

/** One document by id, or those that a filter finds. */
export type Target = string | Filter;

export interface UpdateOptions {
  /** Change every document that the filter finds, not just the first. Default false. */
  readonly many?: boolean | undefined;
  /** Insert a document made from the filter and the update when none is found. Default false. */
  readonly upsert?: boolean | undefined;
  readonly arrayFilters?: readonly Filter[] | undefined;
}

export interface UpdateResult {
  /** Documents that the filter found. */
  readonly matched: number;
  /** Documents that the update really changed. */
  readonly modified: number;
  /** The id of the document that an upsert made. */
  readonly upserted?: string;
}

export interface RemoveOptions {
  /** Remove every document that the filter finds, not just the first. Default false. */
  readonly many?: boolean | undefined;
}

export interface RemoveResult {
  readonly removed: number;
}

export interface HistoryEntry {
  readonly rev: number;
  /** The commit that wrote the revision. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly document: Document;
  /** The commit that removed the document when this was its newest revision. */
  readonly removed?: { readonly seq: number; readonly at: string };
}

export type ChangeEvent =
  | {
      readonly kind: 'put';
      readonly document: Document;
      readonly id: string;
      readonly type: string;
      readonly rev: number;
      readonly seq: number;
      readonly at: string;
    }
  | {
      readonly kind: 'remove';
      readonly id: string;
      readonly type: string;
      readonly rev: number;
      readonly seq: number;
      readonly at: string;
    };

/** Checks a document's own rules when it is written, such as a transformer's syntax. */
export type DocumentCheck = (document: NewDocument) => void;
