import { JdbxError } from '../../base/errors.js';
import { describeType, type Value } from '../../base/values.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import type { MapStage } from '../pipeline-document.js';
import { withAbort } from '../with-abort.js';

const CONCURRENCY = 4;
const ELEMENTS_MAX = 100_000;

/**
 * Runs stages for each element of an array, some at a time. The output is the list of
 * the elements' last outputs, in their order. Each element keeps its own checkpoints,
 * so a run that was killed goes on with the elements that are not done.
 */
export const mapStage: StageKind = {
  name: 'map',
  holdsStages: true,
  async run({ stage, path, context, run, signal }: StageWork): Promise<StageOutcome> {
    const map = stage.map as MapStage;
    const elements = elementsOf(context.evaluate(map.over), path);
    const outputs: Value[] = new Array(elements.length).fill(null);
    let next = 0;
    const work = async (inner: AbortSignal): Promise<void> => {
      for (let index = next++; index < elements.length; index = next++) {
        const element = elements[index] as Value;
        const own = context.child({ [map.as ?? 'item']: element, index }, element);
        outputs[index] = await run.stages(map.stages, own, `${path}/${index}/`, inner);
      }
    };
    const workers = Math.min(map.concurrency ?? CONCURRENCY, elements.length);
    await withAbort(signal, (inner) => Array.from({ length: workers }, () => work(inner)));
    return { output: outputs };
  },
};

function elementsOf(value: Value | undefined, path: string): readonly Value[] {
  if (!Array.isArray(value)) {
    throw new JdbxError('MISSING_INPUT', `expected an array, got ${describeType(value)}`, {
      path: `${path}.map.over`,
    });
  }
  if (value.length > ELEMENTS_MAX) {
    throw new JdbxError('DOCUMENT_TOO_LARGE', `expected at most ${ELEMENTS_MAX} elements`, {
      path: `${path}.map.over`,
    });
  }
  return value;
}
