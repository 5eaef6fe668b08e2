import { JdbxError } from '../../base/errors.js';
import { LinkedSignal } from '../../base/linked-signal.js';
import type { StageWork } from '../contract.js';
import { type Answer, type Asking, answerFrom } from './answer-from.js';
import type { Said } from './build-request.js';
import { mayFallBack } from './fall-back.js';
import { Heard } from './heard.js';
import type { Target, Targets } from './target.js';

/** Tries one target after the other; the last one's error counts. */
export async function firstAnswer(work: StageWork, targets: Targets, said: Said): Promise<Answer> {
  let failed: { readonly error: unknown } | undefined;
  let begun: string | undefined;
  for (;;) {
    const found = targets.next();
    const target = found instanceof Promise ? await found : found;
    if (!target) break;
    const heard = listens(work) ? new Heard() : undefined;
    try {
      if (work.stage.at_most_once && !failed) await announce(work, target);
      return await maybeHedged(work, targets, { target, said, begun, heard });
    } catch (error) {
      if (work.signal.aborted || !mayFallBack(work, error)) throw error;
      failed = { error };
      if (work.stage.rescue) begun = (begun ?? '') + (heard?.text ?? '');
    }
  }
  if (failed) throw failed.error;
  throw new JdbxError('INVALID_INTEGRATION', `expected an integration for ${work.path}`);
}

/** A target that is not asked after all is free for others. */
async function announce({ run, path }: StageWork, { ended }: Target): Promise<void> {
  try {
    await run.announce(path);
  } catch (error) {
    await ended?.({ isFailure: false, tokens: 0, latency_ms: 0 });
    throw error;
  }
}

function listens({ stage }: StageWork): boolean {
  return stage.stream === true || stage.rescue === true;
}

function maybeHedged(work: StageWork, targets: Targets, asking: Asking): Promise<Answer> {
  const { hedge } = work.stage;
  return hedge ? new Race(work, targets, asking).run(hedge.after_ms) : answerFrom(work, asking);
}

/** One target that is asked, and a second one if the first is late. The first answer counts. */
class Race {
  readonly #work: StageWork;
  readonly #targets: Targets;
  readonly #asking: Asking;
  readonly #over: LinkedSignal;

  constructor(work: StageWork, targets: Targets, asking: Asking) {
    this.#work = work;
    this.#targets = targets;
    this.#asking = asking;
    this.#over = new LinkedSignal().follow(work.signal);
  }

  async run(afterMs: number): Promise<Answer> {
    const first = this.#ask(this.#asking);
    try {
      const isLate = await Promise.race([first.then(no, no), this.#late(afterMs)]);
      return isLate ? await this.#both(first) : await first;
    } finally {
      this.#over.release();
    }
  }

  async #both(first: Promise<Answer>): Promise<Answer> {
    const second = this.#second();
    const runners = [first, second];
    try {
      const answer = await Promise.any(runners);
      return { ...answer, facts: { ...answer.facts, hedged: true } };
    } catch (error) {
      // The second one's error where it was asked, for it is the last of the chain.
      throw (error as AggregateError).errors.findLast((each) => !(each instanceof NoneLeft));
    } finally {
      // The slower one is cut off, and what it came to is on record before the stage goes on.
      this.#over.abort(new DOMException('another answer came first', 'AbortError'));
      await Promise.allSettled(runners);
    }
  }

  async #second(): Promise<Answer> {
    const target = await this.#targets.next(this.#over.signal);
    if (!target) throw new NoneLeft();
    const { said, begun } = this.#asking;
    return this.#ask({ target, said, begun, heard: this.#asking.heard && new Heard() });
  }

  #ask(asking: Asking): Promise<Answer> {
    return answerFrom({ ...this.#work, signal: this.#over.signal }, asking);
  }

  #late(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), ms);
      this.#over.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      timer.unref();
    });
  }
}

class NoneLeft extends Error {}

const no = () => false;
