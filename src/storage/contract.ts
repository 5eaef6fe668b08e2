import type { Document } from '../base/document.js';
import type { Value } from '../base/values.js';
import type { Bodies } from './bodies/bodies.js';
import type { NewShape } from './bodies/shapes.js';

/**
 * The engine contract: documents, their kept revisions, the change log and a
 * few named values, written in atomic, durable batches and read through
 * snapshots. An engine knows nothing of queries, indexes or validation, and has
 * exactly one writer, which hands it commits in order.
 */
export interface Engine {
  readonly name: string;
  /** The newest commit that is durable and known here. 0 in a new store. */
  readonly seq: number;
  /** Where other processes may have the store open too. */
  readonly others?: Others | undefined;
  /** A consistent view of the newest commit. The caller closes it. @throws {JdbxError} STORE_CLOSED */
  snapshot(): EngineSnapshot;
  /**
   * Writes the commits in one atomic step and resolves when they are durable.
   * After a rejection nothing of them is stored and the engine goes on. One call at a time.
   *
   * @throws {JdbxError} STORE_FULL, STORE_READ_ONLY, STORE_IO, STORE_CLOSED
   * @throws {RangeError} when the commits do not follow on `seq`
   */
  commit(batch: EngineBatch): Promise<void>;
  /** Bytes that the store takes on disk, or in memory. */
  sizeBytes(): number;
  /** What `sizeBytes` would be after this batch, at the worst. */
  sizeAfter(batch: EngineBatch): number;
  /** Looks again at what another process wrote to the same files. Absent where none can. */
  refresh?(): void;
  /**
   * Writes everything up to some commit from now on to one file of an LMDB store, which must
   * not be there yet, while reads and commits go on. Not flushed. Absent where nothing is on disk.
   *
   * @returns the commit that the file shows
   */
  copyTo?(file: string): Promise<number>;
  /**
   * Gives the space that is not used back to the file system. What is read meanwhile, and the
   * snapshots that are open, stay as they are; no commit may be made before it resolves.
   * Absent where nothing is on disk.
   *
   * @throws {JdbxError} STORE_IN_USE when another process has the store open; STORE_BUSY, STORE_FULL, STORE_IO
   */
  compact?(): Promise<CompactResult>;
  /** How documents become stored bytes, for an engine in front. Absent where that is nobody else's affair. */
  readonly bodies?: Bodies | undefined;
  close(): Promise<void>;
}

/** Bytes on disk, with everything that was committed before taken in. */
export interface CompactResult {
  readonly before: number;
  readonly after: number;
}

/** The other processes that read and write the same store. */
export interface Others {
  /** True when there is something to `absorb`: one load from memory. */
  readonly haveCommitted: boolean;
  /** How many have the store open for writing. */
  readonly count: number;
  /**
   * True for one process at a time, until it closes or dies: it does what is to be done once
   * and not by each, such as writing files beside the store. Another takes over at its next look.
   */
  readonly doesChores: boolean;
  /** This process's own place among all. */
  readonly place: number;
  /** Shows the others that this process is at work, and as what. */
  beat(token: number, hasDuties: boolean): void;
  /** What the others show that live, if they are stopped or not. The dead are not among them. */
  heartbeats(): readonly Heartbeat[];
  /**
   * What others committed since the last call, oldest first. The engine's `seq` and its
   * snapshots show it from then on, never before.
   */
  absorb(): readonly Commit[];
  /**
   * Keeps others from committing until `unlock`, and makes sure that `absorb` gives all that
   * they committed before. Nothing is returned when that was so at once. A `commit` without
   * it takes the lock for itself.
   *
   * @throws {JdbxError} STORE_BUSY when another process keeps the lock for too long
   */
  lock(): Promise<void> | undefined;
  unlock(): void;
}

/** What a living process shows the others without a commit. */
export interface Heartbeat {
  /** Its place among those that have the store open. */
  readonly place: number;
  /** Another number each time that it was at work. */
  readonly beat: number;
  /** The number under which it executes; 0: it executes nothing. */
  readonly token: number;
  /** True when it takes up what others leave. */
  readonly hasDuties: boolean;
}

export interface EngineBatch {
  /** Consecutive commits; the first has the engine's `seq + 1`. */
  readonly commits: readonly Commit[];
  /** Named values to set in the same step. */
  readonly names: Readonly<Record<string, Value>>;
  /** Drops log records below this `seq`; the newest record always stays. */
  readonly logFrom: number;
  /** The documents as stored bytes, where an engine in front has made them already. */
  readonly packed?: PackedBatch | undefined;
}

/** The stored bytes of a batch (`bodies/`). */
export interface PackedBatch {
  /** For each commit those of its puts, in order: cut out of a whole at each call, where they are part of one. */
  bodies(): readonly (readonly Uint8Array[])[];
  /** Shapes that these use and no batch before. */
  readonly shapes: readonly NewShape[];
}

/** One atomic change of the store, and its record in the change log. */
export interface Commit {
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly changes: readonly Change[];
}

export type Change = PutChange | RemoveChange | ForgetChange;

export interface PutChange {
  readonly kind: 'put';
  readonly ref: number;
  /** Of the document. */
  readonly id: string;
  readonly rev: number;
  readonly document: Document;
  /** Keep this revision for `history` and `restore`. */
  readonly versioned: boolean;
  /** True when the document is known to be frozen to its last part, so that nobody need look again. */
  readonly shareable?: boolean;
}

export interface RemoveChange {
  readonly kind: 'remove';
  readonly ref: number;
  readonly id: string;
  readonly type: string;
  /** The revision that was removed. */
  readonly rev: number;
  /** Remember when, beside the kept revisions. Absent: do not. */
  readonly versioned?: true;
}

/** Drops kept revisions of one document, and what is remembered of their removal. */
export interface ForgetChange {
  readonly kind: 'forget';
  readonly id: string;
  /** The oldest revision that is kept. */
  readonly from: number;
  /** Revisions before this one go. */
  readonly below: number;
}

/** What the log itself says of a commit: its documents stand elsewhere. */
export interface LoggedCommit {
  readonly seq: number;
  readonly at: number;
  readonly changes: readonly LoggedChange[];
}

export type LoggedChange =
  | {
      readonly kind: 'put' | 'remove';
      readonly ref: number;
      readonly id: string;
      readonly rev: number;
    }
  | ForgetChange;

export interface StoredDocument {
  readonly ref: number;
  /** The commit that wrote this revision. */
  readonly seq: number;
  readonly document: Document;
  /** Encoded size. */
  readonly bytes: number;
  /** False when the value holds a date or bytes, which cannot be frozen. */
  readonly shareable: boolean;
}

export interface StoredRevision {
  readonly seq: number;
  readonly at: number;
  readonly document: Document;
}

/** When a document of a type that keeps revisions was removed. */
export interface StoredRemoval {
  readonly rev: number;
  readonly seq: number;
  readonly at: number;
}

export interface EngineSnapshot {
  readonly seq: number;
  get(id: string): StoredDocument | undefined;
  /** The same for many, each in its id's place. */
  getMany(ids: readonly string[]): (StoredDocument | undefined)[];
  /** Every document, in `_id` order (UTF-8 bytes). */
  documents(): Iterable<StoredDocument>;
  /** Kept revisions of one document, oldest first. */
  revisions(id: string): Iterable<StoredRevision>;
  revision(id: string, rev: number): StoredRevision | undefined;
  /** The number of the newest kept revision; 0 when none is kept. */
  lastRevision(id: string): number;
  /** Removals of one document that are remembered, oldest first. */
  removals(id: string): Iterable<StoredRemoval>;
  /** Ids that may have kept revisions, in order (UTF-8 bytes), those after `after`. */
  revisedIds(after?: string): Iterable<string>;
  /** Log records after `since`, oldest first. */
  log(since: number): Iterable<Commit>;
  /** The log record of one commit, without reading its documents; undefined when it is not kept. */
  logged(seq: number): LoggedCommit | undefined;
  /** The oldest `seq` whose record is still in the log; `seq + 1` when the log is empty. */
  logStart(): number;
  /** A value set with a batch. */
  named(name: string): Value | undefined;
  /** Safe to call twice. Reads fail with STORE_CLOSED from then on. */
  close(): void;
}
