import type { Commit, Engine, EngineBatch, EngineSnapshot, Others } from '../storage/contract.js';
import type { Cut } from './contract.js';

/**
 * A store's engine that stops the world of its store at a chosen commit: that commit, or the
 * answer to it, never comes, as when the process ends there. Its files stay as they are.
 */
export class CutEngine implements Engine {
  readonly #inner: Engine;
  readonly #cut: Cut | undefined;
  readonly #onCut: (acknowledged: number) => void;
  #commits = 0;
  #isCut = false;

  constructor(inner: Engine, cut: Cut | undefined, onCut: (acknowledged: number) => void) {
    this.#inner = inner;
    this.#cut = cut;
    this.#onCut = onCut;
  }

  /** How many were asked for. */
  get commits(): number {
    return this.#commits;
  }

  get name(): string {
    return this.#inner.name;
  }

  get seq(): number {
    return this.#inner.seq;
  }

  get others(): Others | undefined {
    return this.#inner.others;
  }

  snapshot(): EngineSnapshot {
    return this.#inner.snapshot();
  }

  async commit(batch: EngineBatch): Promise<void> {
    const at = ++this.#commits;
    const isLast = at === this.#cut?.at;
    if (this.#isCut || (isLast && !this.#cut?.after)) return this.#stop(this.#inner.seq);
    this.#isCut ||= isLast;
    await this.#inner.commit(batch);
    if (isLast) return this.#stop((batch.commits.at(-1) as Commit).seq);
  }

  sizeBytes(): number {
    return this.#inner.sizeBytes();
  }

  sizeAfter(batch: EngineBatch): number {
    return this.#inner.sizeAfter(batch);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #stop(acknowledged: number): Promise<never> {
    this.#isCut = true;
    this.#onCut(acknowledged);
    return new Promise(() => {});
  }
}
