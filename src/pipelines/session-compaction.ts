import type { Value } from '../base/values.js';
import { compactionOf, foldableTurns } from '../sessions/compaction.js';
import type { Context } from './context.js';
import type { RunServices } from './contract.js';
import type { Stage } from './pipeline-document.js';

/** What stands before the path of everything that a compaction does. */
const COMPACTING = '@compact/';

/** True of stages and child runs that compact a session: what is said in them is no part of it. */
export function isCompacting(run: string, path: string): boolean {
  return run.includes(`/${COMPACTING}`) || path.startsWith(COMPACTING);
}

/**
 * Folds the older turns of a run's session when they have passed the bound that the session
 * sets: by a stage of the run, at `@compact/N/fold`, where N is the last turn that is folded.
 * After a crash it is done where it was not, by the run itself or by the session's next one.
 */
export class SessionCompaction {
  readonly #run: RunServices;
  /** Made at the first one: most runs compact nothing, and there may be many. */
  #underWay: Map<string, Promise<unknown>> | undefined;

  constructor(run: RunServices) {
    this.#run = run;
  }

  /** Called when the session may have grown. A compactor that fails is in the audit trail, and nothing else. */
  async look(path: string, context: Context, signal: AbortSignal): Promise<void> {
    const { session: id } = this.#run;
    if (id === undefined || isCompacting(this.#run.id, path)) return;
    const session = this.#run.document(id);
    const rule = compactionOf(session);
    if (!session || !rule) return;
    const get = (each: string) => this.#run.document(each);
    const foldable = await foldableTurns(get, session, rule, () => this.#run.tokens());
    if (!foldable) return;
    const { from, upto, summary, turns } = foldable;
    const stage = {
      name: 'fold',
      compact: { by: rule.by, session: id, from, upto },
      on_error: 'continue',
    };
    const input = { session: id, summary, turns } as unknown as Value;
    await this.#once(`${COMPACTING}${upto}/`, (prefix) =>
      this.#run.stages([stage as unknown as Stage], context.child({}, input), prefix, signal),
    );
  }

  /** Of stages that end at the same time the first compacts for all. */
  async #once(prefix: string, fold: (prefix: string) => Promise<unknown>): Promise<void> {
    this.#underWay ??= new Map();
    const underWay = this.#underWay;
    const folding = underWay.get(prefix) ?? fold(prefix);
    underWay.set(prefix, folding);
    try {
      await folding;
    } finally {
      underWay.delete(prefix);
    }
  }
}
