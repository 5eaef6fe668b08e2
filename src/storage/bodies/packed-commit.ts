import type { Document } from '../../base/document.js';
import type { Commit, ForgetChange, PutChange, RemoveChange, StoredDocument } from '../contract.js';
import type { Bodies } from './bodies.js';

/** Bytes that hold the documents of commits, as `bodies` wrote them. */
export interface PackedSource {
  readonly bodies: Bodies;
  readonly bytes: Uint8Array;
}

/**
 * A put whose document stands in bytes alone, so that keeping it costs the collector next to
 * nothing. Each look at the document decodes it anew: nobody shares what cannot be frozen.
 */
export class PackedPut implements PutChange {
  readonly ref: number;
  readonly id: string;
  readonly rev: number;
  readonly versioned: boolean;
  /** The commit that it is part of. */
  readonly seq: number;
  readonly #source: PackedSource;
  readonly #start: number;
  readonly #end: number;

  /** @param end where the body ends that begins at `start` */
  constructor(seq: number, put: PutFacts, source: PackedSource, start: number, end: number) {
    this.ref = put.ref;
    this.id = put.id;
    this.rev = put.rev;
    this.versioned = put.versioned;
    this.seq = seq;
    this.#source = source;
    this.#start = start;
    this.#end = end;
  }

  get kind(): 'put' {
    return 'put';
  }

  get document(): Document {
    return this.stored().document;
  }

  /** @throws {JdbxError} STORE_CORRUPT */
  stored(): StoredDocument {
    const { bodies, bytes } = this.#source;
    return bodies.decode(this.id, bytes, this.#start, this.#end);
  }

  get body(): Uint8Array {
    return this.#source.bytes.subarray(this.#start, this.#end);
  }
}

type PutFacts = Pick<PutChange, 'ref' | 'id' | 'rev' | 'versioned'>;

/** A commit whose puts are packed. */
export interface PackedCommit extends Commit {
  readonly changes: readonly (PackedPut | RemoveChange | ForgetChange)[];
}

/** The same with its documents, for whoever keeps or compares it. */
export function wholeCommit({ seq, at, changes }: PackedCommit): Commit {
  return { seq, at, changes: changes.map((each) => (each.kind === 'put' ? wholePut(each) : each)) };
}

function wholePut(put: PackedPut): PutChange {
  const { kind, ref, id, rev, versioned, document } = put;
  return { kind, ref, id, rev, document, versioned };
}

/** The bodies of each commit's puts, in order. */
export function bodiesOf(commits: readonly PackedCommit[]): (readonly Uint8Array[])[] {
  return commits.map(({ changes }) =>
    changes.flatMap((change) => (change.kind === 'put' ? [change.body] : [])),
  );
}
