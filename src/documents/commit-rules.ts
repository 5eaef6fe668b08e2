import type { Document, NewDocument } from '../base/document.js';

/** A commit before it is taken in. Reads see the store as the commit would leave it. */
export interface CommitInMaking {
  readonly changes: readonly CommitChange[];
  get(id: string): Document | undefined;
  /** Every document of exactly this type. */
  documentsOf(type: string): Iterable<Document>;
  /** Adds a document that follows from the others. */
  derive(document: NewDocument): void;
}

export interface CommitChange {
  readonly before: Document | undefined;
  readonly after: Document | undefined;
}

/**
 * What no single document can tell: whether what a commit changes fits what is there. It
 * throws to refuse the commit whole, on whichever road it came, and must not wait.
 */
export type CommitRule = (commit: CommitInMaking) => void;

/**
 * Thrown by a rule that cannot say yet. The commit is withdrawn; after `settle` its plan
 * runs again, and the rule is asked anew.
 */
export class CommitDeferred extends Error {
  readonly #work: () => Promise<void>;

  constructor(work: () => Promise<void>) {
    super('the commit waits for a rule');
    this.name = 'CommitDeferred';
    this.#work = work;
  }

  /** @throws why the commit must not be */
  settle(): Promise<void> {
    return this.#work();
  }
}

/** How often one plan is put off before it is given up. */
export const DEFERRALS_MAX = 10;
