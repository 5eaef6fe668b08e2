import { Layer } from './layer.js';
import type { KeptBatch } from './record.js';

/**
 * The commits that the engine behind does not hold yet, or that some snapshot's view of it
 * does not: one layer that grows, and at most one behind it that is being taken in.
 */
export class Layers {
  #growing = new Layer();
  #leaving: Layer | undefined;

  /** Those that hold something, newest first. */
  get list(): readonly Layer[] {
    return [this.#growing, this.#leaving].filter((layer) => layer && !layer.isEmpty) as Layer[];
  }

  get isEmpty(): boolean {
    return this.#growing.isEmpty && !this.#leaving;
  }

  /** Journal bytes, an estimate of what the layers hold. */
  get bytes(): number {
    return this.#growing.bytes + (this.#leaving?.bytes ?? 0);
  }

  /** Those that wait behind what is being taken in. */
  get growingBytes(): number {
    return this.#growing.bytes;
  }

  add(batch: KeptBatch, bytes: number): void {
    this.#growing.add(batch, bytes);
  }

  /** Begins a new layer behind the growing one, unless one is leaving already. Returns what leaves. */
  part(): readonly KeptBatch[] {
    if (!this.#leaving && !this.#growing.isEmpty) {
      this.#leaving = this.#growing;
      this.#growing = new Layer();
    }
    return this.#leaving?.batches ?? [];
  }

  /** Forgets layers whose last commit is at or before `seq`. */
  drop(seq: number): void {
    if (this.#leaving && this.#leaving.lastSeq <= seq) this.#leaving = undefined;
    if (!this.#growing.isEmpty && this.#growing.lastSeq <= seq) this.#growing = new Layer();
  }
}
