import type { Amounts } from '../../llm/budgets/amounts.js';
import type { Purse } from '../../llm/budgets/purse.js';
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
      const aside = await run.reserve({ id, path, budgets, need });
      const { output_tokens, time_ms, amounts: set } = aside;
      const spent = (amounts: Amounts) => work.charge(chargeOf(aside, amounts));
      return { output_tokens, time_ms, amounts: set, spent };
    },
  };
}

function withOwn(own: string | undefined, others: readonly string[]): readonly string[] {
  return own === undefined || own === '' || others.includes(own) ? others : [own, ...others];
}

function chargeOf({ id, settle, ended }: SetAside, amounts: Amounts): Charge {
  return { reservation: id, settle: (draft) => settle(draft, amounts), ended };
}
