import { encodeRevision } from '../bodies/revision.js';
import type { Commit, ForgetChange, PutChange, RemoveChange } from '../contract.js';

/** Something remembered from one commit on, until another one forgets it. */
interface Kept {
  readonly rev: number;
  readonly seq: number;
  readonly at: number;
  goneAt: number;
}

interface KeptRevision extends Kept {
  readonly bytes: Uint8Array;
}

interface History {
  revisions: KeptRevision[];
  removals: Kept[];
}

/** Kept revisions and remembered removals by id, oldest first, as any open snapshot may ask. */
export class Histories {
  readonly #byId = new Map<string, History>();
  #forgotten: { readonly id: string; readonly seq: number }[] = [];

  ids(): Iterable<string> {
    return this.#byId.keys();
  }

  revisions(id: string, seq: number): KeptRevision[] {
    return seenAt(this.#byId.get(id)?.revisions ?? [], seq);
  }

  removals(id: string, seq: number): Kept[] {
    return seenAt(this.#byId.get(id)?.removals ?? [], seq);
  }

  keep({ seq, at }: Commit, { id, rev }: PutChange, body: Uint8Array): void {
    const bytes = encodeRevision(at, body);
    this.#of(id).revisions.push({ rev, seq, at, bytes, goneAt: Infinity });
  }

  remember({ seq, at }: Commit, { id, rev }: RemoveChange): void {
    this.#of(id).removals.push({ rev, seq, at, goneAt: Infinity });
  }

  forget({ seq }: Commit, { id, below }: ForgetChange): void {
    const history = this.#of(id);
    for (const kept of [...history.revisions, ...history.removals]) {
      if (kept.rev < below) kept.goneAt = Math.min(kept.goneAt, seq);
    }
    this.#forgotten.push({ id, seq });
  }

  /** Drops what no snapshot from `oldest` on can see. */
  release(oldest: number): void {
    const due = this.#forgotten.filter(({ seq }) => seq <= oldest);
    if (due.length === 0) return;
    this.#forgotten = this.#forgotten.filter(({ seq }) => seq > oldest);
    for (const { id } of due) {
      const history = this.#of(id);
      history.revisions = history.revisions.filter(({ goneAt }) => goneAt > oldest);
      history.removals = history.removals.filter(({ goneAt }) => goneAt > oldest);
      if (history.revisions.length + history.removals.length === 0) this.#byId.delete(id);
    }
  }

  #of(id: string): History {
    const history = this.#byId.get(id) ?? { revisions: [], removals: [] };
    this.#byId.set(id, history);
    return history;
  }
}

function seenAt<K extends Kept>(kept: readonly K[], seq: number): K[] {
  return kept.filter((each) => each.seq <= seq && each.goneAt > seq);
}
