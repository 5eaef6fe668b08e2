import type { Draft } from '../../documents/draft.js';
import type { Amounts } from '../../llm/budgets/amounts.js';
import type { Paid, Purse } from '../../llm/budgets/purse.js';
import type { SetAside } from '../../llm/budgets/reservations.js';
import type { Charge } from '../attempt.js';
import type { StageWork } from '../contract.js';

/**
 * What a stage's calls are paid from: the budgets of the stage, its run, its pipeline and
 * its session, and all above those. Undefined when there are none.
 */
export function purseFor(work: StageWork): Purse | undefined {
  const { run, stage, path, attempt } = work;
  const budgets = withOwn(stage.budget, run.budgets);
  if (budgets.length === 0) return undefined;
  return {
    async reserve(need) {
      const id = `${run.id}/${path}/${attempt}/${work.nextCharge()}`;
      return new PaidStage(work, await run.reserve({ id, path, budgets, need }));
    },
  };
}

function withOwn(own: string | undefined, others: readonly string[]): readonly string[] {
  return own === undefined || own === '' || others.includes(own) ? others : [own, ...others];
}

/** A call of a stage's, and in the end its charge. */
class PaidStage implements Paid, Charge {
  readonly #work: StageWork;
  readonly #aside: SetAside;
  #actual: Amounts | undefined;

  constructor(work: StageWork, aside: SetAside) {
    this.#work = work;
    this.#aside = aside;
  }

  get output_tokens(): number {
    return this.#aside.output_tokens;
  }

  get time_ms(): number | undefined {
    return this.#aside.time_ms;
  }

  get amounts(): Amounts {
    return this.#aside.amounts;
  }

  get reservation(): string {
    return this.#aside.id;
  }

  spent(amounts: Amounts): void {
    this.#actual = amounts;
    this.#work.charge(this);
  }

  settle(draft: Draft): void {
    this.#aside.settle(draft, this.#actual);
  }

  ended(isCommitted: boolean): void {
    this.#aside.ended(isCommitted);
  }
}
