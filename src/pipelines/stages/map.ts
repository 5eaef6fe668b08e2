import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value } from '../../base/values.js';
import { referencedNames } from '../../query/referenced-names.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { type ElementQuery, filterOf, pagesOf } from '../element-pages.js';
import type { MapStage } from '../pipeline-document.js';
import { Suspended } from '../suspended.js';
import { withAbort } from '../with-abort.js';

const CONCURRENCY = 4;
/** An array is held in memory; a query is not. */
const ELEMENTS_MAX = 100_000;

/**
 * Runs stages for each element of an array or each document of a query, some at a time.
 * The output is the list of the elements' last outputs, in their order; of a query it
 * is `{ elements }` unless it says `collect`. Each element keeps its own checkpoints, so a
 * run that was killed goes on with the elements that are not done.
 */
export const mapStage: StageKind = {
  name: 'map',
  holdsStages: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const { over } = work.stage.map as MapStage;
    const query = isPlainObject(over) ? over.query : undefined;
    if (isPlainObject(query)) return { output: await mapQuery(work, query as ElementQuery) };
    const elements = await elementsOf(work, over);
    return { output: await mapElements(work, elements, 0) };
  },
};

/** The outputs of some elements, the first of which is number `first` of all. */
async function mapElements(
  { stage, path, context, run, signal }: StageWork,
  elements: readonly Value[],
  first: number,
): Promise<Value[]> {
  const map = stage.map as MapStage;
  const outputs: Value[] = new Array(elements.length).fill(null);
  let next = 0;
  const work = async (inner: AbortSignal): Promise<void> => {
    const waiting: Suspended[] = [];
    for (let at = next++; at < elements.length; at = next++) {
      const index = first + at;
      const element = elements[at] as Value;
      const own = context.child({ [map.as ?? 'item']: element, index }, element);
      const prefix = `${path}/${index}/`;
      try {
        outputs[at] = await run.stages(map.stages, own, prefix, inner);
      } catch (error) {
        outputs[at] = keepIn(waiting, error);
      }
    }
    if (waiting.length > 0) throw Suspended.joined(waiting);
  };
  const workers = Math.min(map.concurrency ?? CONCURRENCY, elements.length);
  await withAbort(signal, (inner) => Array.from({ length: workers }, () => work(inner)));
  return outputs;
}

/** An element that waits leaves its place to the next one. */
function keepIn(waiting: Suspended[], error: unknown): null {
  if (!(error instanceof Suspended)) throw error;
  waiting.push(error);
  return null;
}

/** A page of documents at a time, so that memory does not grow with their number. */
async function mapQuery(work: StageWork, query: ElementQuery): Promise<Value> {
  const { stage, path, context, run } = work;
  const outputs: Value[] = [];
  const waiting: Suspended[] = [];
  let count = 0;
  const filter = filterOf(query.filter, (expression) =>
    context.require(expression, `${path}.map.over`),
  );
  for await (const { ids, number } of pagesOf(run, `${path}/@page`, { ...query, filter })) {
    const collect = stage.map?.collect === true;
    const done = `${path}/@done/${number}`;
    if (collect && count + ids.length > ELEMENTS_MAX) refuseLength(path);
    if (collect || !run.remembers(done)) {
      const page = ids.map((id) => run.document(id) ?? null);
      const made = await mapElements(work, page, count).catch((error) => keepIn(waiting, error));
      if (collect && made) outputs.push(...made);
      if (made && !collect) await run.remember(done, () => ids.length);
    }
    count += ids.length;
  }
  if (waiting.length > 0) throw Suspended.joined(waiting);
  return stage.map?.collect ? outputs : { elements: count };
}

async function elementsOf(work: StageWork, over: Value): Promise<readonly Value[]> {
  const { context, path, run } = work;
  const evaluated = () => context.evaluate(over) ?? null;
  const value = changes(over) ? await run.remember(`${path}/@over`, evaluated) : evaluated();
  if (!Array.isArray(value)) {
    throw new JdbxError('MISSING_INPUT', `expected an array, got ${describeType(value)}`, {
      path: `${path}.map.over`,
    });
  }
  if (value.length > ELEMENTS_MAX) refuseLength(path);
  return value;
}

/** What finished stages gave stays; what else an expression reads may be another after a crash. */
function changes(over: Value): boolean {
  const names = referencedNames(over);
  const outer = ['session', 'history'].some((name) => names.includes(name));
  return outer || /\$\$NOW|\$rand|\$sampleRate/.test(JSON.stringify(over));
}

function refuseLength(path: string): never {
  throw new JdbxError(
    'DOCUMENT_TOO_LARGE',
    `expected at most ${ELEMENTS_MAX} elements; a query that does not collect has no limit`,
    { path: `${path}.map.over` },
  );
}
