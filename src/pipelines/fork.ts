import { JdbxError } from '../base/errors.js';
import { newId } from '../base/ids.js';
import { isPlainObject, type Value } from '../base/values.js';
import type { Database } from '../documents/database.js';
import { findDocuments } from '../documents/querying.js';
import { takeMade } from '../documents/take-document.js';
import type { View } from '../documents/view.js';
import { pinnedIn } from './definitions.js';
import type { Leases } from './leases/leases.js';
import { type CheckpointDocument, checkpointId, type RunDocument } from './run-document.js';
import { insertRun } from './run-writes.js';
import { loadValue, storeValue } from './stored-value.js';

/** What is to be other than in the run that is forked. */
export interface ForkPatch {
  /** The new run's input. Default: the old one's. */
  readonly input?: unknown;
  /** Outputs of finished stages, by their paths. */
  readonly outputs?: { readonly [path: string]: unknown };
}

export interface ForkOptions {
  /** Names the new run. Default: a fresh name. */
  readonly key?: string | undefined;
  /** Default: the session of the run that is forked. */
  readonly session?: string | undefined;
}

export interface Fork extends ForkOptions {
  readonly run: string;
  /** The stage after whose commit the new run goes on; undefined: from the beginning. */
  readonly after: string | undefined;
  readonly input: Value | undefined;
  readonly outputs: Readonly<Record<string, Value>>;
}

/** Checkpoints that one commit takes over at most. */
const CHECKPOINTS_MAX = 5_000;

/**
 * Writes a new run that stands where another one stood after a stage: with its pins, its
 * input and the checkpoints of everything that was committed until then, all of which a
 * patch may change.
 *
 * @throws {JdbxError} MISSING_DOCUMENT, UNKNOWN_STAGE, TRANSACTION_TOO_LARGE, DUPLICATE_ID
 */
export async function forkRun(
  database: Database,
  leases: Leases,
  fork: Fork,
): Promise<RunDocument> {
  const view = database.view();
  try {
    const { run, input, checkpoints } = readOrigin(view, fork);
    const get = (id: string) => view.get(id);
    const id = fork.key === undefined ? newId('run') : `run:${fork.key}`;
    const { pipeline } = run;
    const pinned = pinnedIn(run);
    const session = fork.session ?? run.session;
    // Who goes on from another run pays from the same budgets.
    const paid = { budgets: run.budgets, budgetKey: run.budget_key };
    const facts = { id, pipeline, pinned, session, parent: undefined, ...paid };
    return await database.submit((draft) => {
      const made = insertRun(draft, { ...facts, input, forkedFrom: run._id }, leases);
      for (const { _id, _rev, usage, output, output_ref, ...rest } of checkpoints) {
        const kept = loadValue({ output, output_ref } as never, 'output', get);
        const value = Object.hasOwn(fork.outputs, rest.path) ? fork.outputs[rest.path] : kept;
        const stored = storeValue(draft, 'output', value as Value);
        const order = rest.asked && (rest.order ?? view.stored(_id)?.seq);
        const placed = order === undefined ? {} : { order };
        const copy = { ...rest, ...stored, ...placed, _id: checkpointId(id, rest.path), run: id };
        draft.insert(takeMade(copy));
      }
      return made;
    });
  } finally {
    view.close();
  }
}

interface Origin {
  readonly run: RunDocument;
  readonly input: Value;
  readonly checkpoints: readonly CheckpointDocument[];
}

function readOrigin(view: View, { run: id, after, input, outputs }: Fork): Origin {
  const run = view.get(id) as RunDocument | undefined;
  if (run?._type !== 'run') {
    throw new JdbxError('MISSING_DOCUMENT', `expected the run ${id}`, { details: { id } });
  }
  const checkpoints = after === undefined ? [] : checkpointsUntil(view, id, after);
  const unknown = Object.keys(outputs).find((path) =>
    checkpoints.every((each) => each.path !== path),
  );
  if (unknown !== undefined) refuse(id, unknown, 'patch.outputs');
  return { run, input: input ?? loadValue(run, 'input', (each) => view.get(each)), checkpoints };
}

function checkpointsUntil(view: View, run: string, after: string): CheckpointDocument[] {
  const last = view.stored(checkpointId(run, after));
  if (!last) refuse(run, after, 'checkpoint');
  const all = findDocuments(view, { filter: { _type: 'checkpoint', run } }) as CheckpointDocument[];
  const found = all.filter(({ _id }) => (view.stored(_id)?.seq ?? 0) <= last.seq);
  if (found.length <= CHECKPOINTS_MAX) return found;
  throw new JdbxError('TRANSACTION_TOO_LARGE', `expected at most ${CHECKPOINTS_MAX} checkpoints`, {
    details: { run },
  });
}

/** Tells a patch that is none. */
export function checkPatch(patch: unknown): asserts patch is ForkPatch {
  const fits =
    isPlainObject(patch) &&
    Object.keys(patch).every((field) => field === 'input' || field === 'outputs') &&
    (patch.outputs === undefined || isPlainObject(patch.outputs));
  if (!fits) throw new TypeError('fork: expected a patch of { input, outputs }');
}

function refuse(run: string, path: string, where: string): never {
  throw new JdbxError('UNKNOWN_STAGE', `expected a finished stage of ${run}, got ${path}`, {
    path: where,
    details: { run, stage: path },
  });
}
