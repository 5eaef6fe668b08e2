import { isTrue } from '../../query/expression.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import type { BranchStage, Stage } from '../pipeline-document.js';

/** Runs the first case whose condition is true, else `default`. The output is its last one, or null. */
export const branchStage: StageKind = {
  name: 'branch',
  holdsStages: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const { path, input, context, run, signal } = work;
    const cases = casesOf(work.stage.branch as BranchStage);
    // The case that was begun is finished, whatever its condition reads by now.
    const begun = cases.find(({ name }) => run.entered(`${path}/${name}/`));
    const chosen = begun ?? cases.find(({ when }) => isTrue(context.evaluate(when)));
    if (!chosen) return { output: null };
    const own = context.child({}, input);
    const output = await run.stages(chosen.stages, own, `${path}/${chosen.name}/`, signal);
    return { output, facts: { case: chosen.name } };
  },
};

function casesOf({ cases, default: otherwise }: BranchStage) {
  const named = cases.map(({ name, when, stages }, at) => ({
    name: name ?? String(at),
    when,
    stages,
  }));
  const last = { name: 'default', when: true, stages: otherwise as readonly Stage[] };
  return otherwise ? [...named, last] : named;
}
