import type { Draft } from '../draft.js';
import type { TimeMarks } from '../time-marks.js';
import type { View } from '../view.js';
import type { RetentionPolicy } from './definition.js';

/** What retention needs of the database. */
export interface RetentionHost {
  view(): View;
  submit<T>(plan: (draft: Draft) => T): Promise<T>;
  /** Milliseconds since the epoch. */
  now(): number;
  readonly seq: number;
  readonly policies: readonly RetentionPolicy[];
  readonly marks: TimeMarks;
  readonly logStart: number;
  readonly auditHead: { readonly n: number };
  /** True while writers wait. */
  readonly isBusy: boolean;
  /** By id, the oldest revision that must stay, whatever a policy says. */
  pinned(): ReadonlyMap<string, number>;
}

export interface RetainOptions {
  /** Count what would go, and change nothing. Default false. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step. */
  readonly onProgress?: ((progress: RetainReport) => void) | undefined;
}

/** What went, or would go. */
export interface RetainReport {
  /** False while it goes on. */
  readonly done: boolean;
  readonly documents: number;
  readonly revisions: number;
  readonly logRecords: number;
  readonly auditDocuments: number;
  /** The same by the document that asks for it. */
  readonly policies: { readonly [id: string]: RetainCounts };
}

export interface RetainCounts {
  readonly documents: number;
  readonly revisions: number;
  readonly logRecords: number;
  readonly auditDocuments: number;
}
