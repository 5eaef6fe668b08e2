import type { Value } from '../../base/values.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import type { Stage } from '../pipeline-document.js';
import { withAbort } from '../with-abort.js';

/** Runs named branches at the same time. The output holds each branch's last output under its name. */
export const parallelStage: StageKind = {
  name: 'parallel',
  holdsStages: true,
  async run({ stage, path, input, context, run, signal }: StageWork): Promise<StageOutcome> {
    const branches = Object.entries(stage.parallel as Record<string, readonly Stage[]>);
    const outputs = await withAbort(signal, (inner) =>
      branches.map(async ([name, stages]): Promise<[string, Value]> => {
        const own = context.child({}, input);
        return [name, await run.stages(stages, own, `${path}/${name}/`, inner)];
      }),
    );
    return { output: Object.fromEntries(outputs) };
  },
};
