import { describeThrown, isJdbxError, JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value } from '../../base/values.js';
import { foldTurns } from '../../sessions/compaction.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';
import type { CompactStage } from '../pipeline-document.js';
import { rootCause } from '../stage-failure.js';
import { Suspended } from '../suspended.js';

/** Not the compactor's fault, and not to be passed over. */
const NOT_ITS_OWN = [
  ...['RUN_LEASE_LOST', 'STORE_CLOSED', 'STORE_FULL', 'STORE_IO', 'STORE_READ_ONLY', 'CONFLICT'],
  'GUEST_QUEUE_FULL',
] as never[];

/**
 * Has turns of the session folded into a summary by the transformer or pipeline that the
 * session names. What it gives, a text or an object with `summary` or `text`, stands for
 * the turns from the commit of this stage on.
 */
export const compactStage: StageKind = {
  name: 'compact',
  holdsStages: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const { by, session, from, upto } = work.stage.compact as CompactStage;
    const summary = await summaryBy(work, by);
    work.leave((draft) => void foldTurns(draft, session, { from, upto }, summary));
    return { output: summary, facts: { session, from, upto, by } };
  },
};

async function summaryBy(work: StageWork, by: string): Promise<string> {
  try {
    return summaryIn(await compactedBy(work, by));
  } catch (thrown) {
    const cause = rootCause(thrown);
    const passes = thrown instanceof Suspended || work.signal.aborted;
    if (passes || isJdbxError(cause, ...NOT_ITS_OWN)) throw thrown;
    const text = `${by} did not fold the session's turns: ${describeThrown(cause)}`;
    throw new JdbxError('COMPACTION_FAILED', text, { cause, details: { by } });
  }
}

async function compactedBy(work: StageWork, by: string): Promise<Value> {
  const { run, input, path, signal } = work;
  const document = run.definitions.get(by);
  if (!run.typesOf('transformer').includes(document._type)) {
    return (await run.child(by, input, path, signal)).output;
  }
  return (await callGuest(work, { document, field: 'code', input })).value;
}

function summaryIn(output: Value): string {
  const said = isPlainObject(output) ? (output.summary ?? output.text) : output;
  if (typeof said === 'string' && said !== '') return said;
  throw new JdbxError('MISSING_INPUT', `expected a summary, got ${describeType(said)}`);
}
