import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import { isTrue } from '../../query/expression.js';
import type { Context } from '../context.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import type { LoopStage } from '../pipeline-document.js';

/**
 * Runs stages again and again, `while` a condition holds before an iteration or `until`
 * one does after it, at most `max` times. An iteration sees `index` and the outputs of
 * the one before it. The output is the last one's. Each stage of each iteration has a
 * checkpoint of its own.
 */
export const loopStage: StageKind = {
  name: 'loop',
  holdsStages: true,
  async run({ stage, path, input, context, run, signal }: StageWork): Promise<StageOutcome> {
    const loop = stage.loop as LoopStage;
    const own = context.child(unset(loop), input);
    for (let index = 0; ; index++) {
      own.name('index', index);
      const prefix = `${path}/${index}/`;
      // An iteration that was begun is finished, whatever its condition reads by now.
      if (!run.entered(prefix)) {
        if (!goesOn(loop, own, index))
          return { output: own.previous, facts: { iterations: index } };
        if (index >= loop.max) return atMax(loop, own.previous, path);
      }
      await run.stages(loop.stages, own, prefix, signal);
    }
  },
};

/** Stages that have not run yet are null to those before them, as those that are left out. */
function unset({ stages }: LoopStage): Record<string, Value> {
  return Object.fromEntries(stages.map(({ name }) => [name, null]));
}

function goesOn(loop: LoopStage, context: Context, index: number): boolean {
  if (loop.while !== undefined) return isTrue(context.evaluate(loop.while));
  return index === 0 || !isTrue(context.evaluate(loop.until as Value));
}

function atMax({ max, at_max }: LoopStage, output: Value, path: string): StageOutcome {
  if (at_max === 'end') return { output, facts: { iterations: max } };
  throw new JdbxError('LOOP_LIMIT', `expected the loop to end within ${max} iterations`, {
    path: `${path}.loop.max`,
    details: { max },
  });
}
