import type { Document } from '../base/document.js';
import { stringifyValue } from '../base/extended-json.js';
import type { Value } from '../base/values.js';
import type { AuditEntry } from '../history/audit-chain.js';
import type { Jdbx } from '../jdbx.js';
import type { RunDocument } from '../pipelines/run-document.js';
import { usageIn } from '../pipelines/spending.js';
import type { Facts } from './contract.js';

/** What runs themselves keep, and not their stages by a write. */
const MACHINERY = new Set([
  'audit',
  'blob',
  'budget',
  'cache',
  'cached_response',
  'checkpoint',
  'embedder_calibration',
  'event',
  'executor',
  'hold',
  'intent',
  'pool_state',
  'reservation',
  'run',
  'schedule_progress',
  'semantic_entry',
  'session',
  'stripped',
  'turn',
  'wait',
]);

type Stage = AuditEntry & {
  readonly run: string;
  readonly path: string;
  readonly status: string;
  readonly writes?: readonly { readonly id: string; readonly kind: 'put' | 'remove' }[];
};

/** A call that left, as the stand-in wrote it down. */
export interface Call {
  readonly key: string;
  readonly hash: string;
}

/** The store as it was before the run: revisions by id, and what was on record. */
export interface Before {
  readonly revisions: ReadonlyMap<string, number>;
  readonly seq: number;
  readonly budgets: ReadonlyMap<string, Document>;
  readonly sessions: ReadonlyMap<string, Document>;
}

export async function lookBefore(db: Jdbx): Promise<Before> {
  const documents = await db.query({ _type: { $ne: 'audit' } });
  const ofType = (type: string) =>
    new Map(documents.filter(({ _type }) => _type === type).map((each) => [each._id, each]));
  return {
    revisions: new Map(documents.map(({ _id, _rev }) => [_id, _rev])),
    seq: db.seq,
    budgets: ofType('budget'),
    sessions: ofType('session'),
  };
}

/**
 * Everything that is wrong in a store in which one run has ended after any number of kills,
 * whatever the run was: judged from the store alone, and the calls that left.
 */
export async function judge(
  db: Jdbx,
  root: string,
  before: Before,
  calls: readonly Call[],
): Promise<{ readonly problems: string[]; readonly facts: Facts }> {
  const runs = (await db.query<RunDocument>({ _type: 'run' })).filter(({ _id }) => isOf(_id, root));
  const audit = (await db.audit.query({})).filter(({ run }) => isOf(String(run), root));
  const of = (kind: string) => audit.filter((each) => each.kind === kind);
  const stages = (of('stage') as unknown as Stage[]).filter(({ status }) => ENDS.has(status));
  const documents = await db.query({ _type: { $ne: 'audit' } });
  const checkpoints = documents.filter((each) => {
    return each._type === 'checkpoint' && isOf(String(each.run), root);
  });
  const problems = [
    ...(await soundness(db)),
    ...stepProblems(checkpoints, stages),
    ...effectProblems(documents, stages, before),
    ...runProblems(runs, audit, root),
    ...callProblems(of('llm-call'), calls),
    ...sessionProblems(documents, runs, audit, before),
    ...budgetProblems(documents, audit, before),
  ];
  return { problems, facts: factsOf(runs, checkpoints, documents, stages, calls, before) };
}

const ENDS = new Set(['done', 'skipped', 'continued']);

function isOf(run: string, root: string): boolean {
  return run === root || run.startsWith(`${root}/`) || run.startsWith('run:#');
}

async function soundness(db: Jdbx): Promise<string[]> {
  const { problems } = await db.check();
  const verdict = await db.audit.verify();
  return [...problems, ...(verdict.ok ? [] : [`the audit chain is broken: ${verdict.broken?.id}`])];
}

/** One checkpoint for each stage that ended, one audit document for each, and none twice. */
function stepProblems(checkpoints: readonly Document[], stages: readonly Stage[]): string[] {
  // What a run remembers, `all/@page/0`, is of no stage; `@compact/3/fold` is one that folds.
  const left = checkpoints.filter(({ path }) => !/(^|\/)@(?!compact\/)/.test(String(path)));
  const names = left.map(({ run, path }) => `${run} ${path}`);
  return [
    ...differences(
      'checkpoint',
      names,
      stages.map(({ run, path }) => `${run} ${path}`),
    ),
    ...checkpoints
      .filter(({ _rev }) => _rev !== 1)
      .map(({ _id, _rev }) => `${_id} was written ${_rev} times`),
  ];
}

/** Every revision that came stands in the audit trail of one stage, and the other way round. */
function effectProblems(
  documents: readonly Document[],
  stages: readonly Stage[],
  { revisions }: Before,
): string[] {
  const puts = new Map<string, number>();
  const removed = new Set<string>();
  for (const { id, kind } of stages.flatMap(({ writes = [] }) => writes)) {
    if (kind === 'remove') removed.add(id);
    else puts.set(id, (puts.get(id) ?? 0) + 1);
  }
  const present = new Map(documents.map((each) => [each._id, each]));
  const problems: string[] = [];
  for (const { _id, _type, _rev } of documents) {
    if (MACHINERY.has(_type) || removed.has(_id)) continue;
    const expected = (revisions.get(_id) ?? 0) + (puts.get(_id) ?? 0);
    if (_rev !== expected) {
      const writes = puts.get(_id) ?? 0;
      problems.push(
        `${_id} has revision ${_rev}: expected ${expected}, by ${writes} audited writes`,
      );
    }
  }
  for (const id of puts.keys()) {
    if (!present.has(id) && !removed.has(id)) problems.push(`${id} was written and is missing`);
  }
  return problems;
}

/** Each run began once and ended at most once, and used what the audit trail says. */
function runProblems(
  runs: readonly RunDocument[],
  audit: readonly AuditEntry[],
  root: string,
): string[] {
  const ids = (kind: string) =>
    audit.filter((each) => each.kind === kind).map(({ run }) => String(run));
  const ended = runs.filter(({ ended_at }) => ended_at !== undefined).map(({ _id }) => _id);
  const problems = [
    ...differences(
      'beginning of a run',
      ids('run-start'),
      runs.map(({ _id }) => _id),
    ),
    ...differences('end of a run', unique(ids('run-end')), ended),
  ];
  const whole = runs.find(({ _id }) => _id === root);
  const used = usageIn(audit);
  if (whole?.usage && whole.usage.calls !== used.calls) {
    problems.push(`${root} counts ${whole.usage.calls} calls, the audit trail ${used.calls}`);
  }
  return problems;
}

/** What the audit trail says that was asked did leave, and nothing was asked under two keys. */
function callProblems(audited: readonly AuditEntry[], calls: readonly Call[]): string[] {
  const asked = audited.filter(({ cached, provider }) => cached !== true && !isLocal(provider));
  if (asked.length <= calls.length) return [];
  return [`the audit trail has ${asked.length} calls, only ${calls.length} left`];
}

function isLocal(provider: unknown): boolean {
  return provider === 'recorded' || provider === 'extractive';
}

function sessionProblems(
  documents: readonly Document[],
  runs: readonly RunDocument[],
  audit: readonly AuditEntry[],
  before: Before,
): string[] {
  const problems: string[] = [];
  for (const session of documents.filter(({ _type }) => _type === 'session')) {
    const own = new Set(runs.filter((run) => run.session === session._id).map(({ _id }) => _id));
    if (own.size === 0) continue;
    const used = usageIn(audit.filter(({ run }) => own.has(String(run))));
    const was = before.sessions.get(session._id);
    for (const name of ['calls', 'input_tokens', 'output_tokens'] as const) {
      const counted = figure(session, 'usage', name) - figure(was, 'usage', name);
      if (counted === used[name]) continue;
      problems.push(`${session._id} counts ${counted} ${name}, the audit trail ${used[name]}`);
    }
    const turns = documents.filter(
      (each) => each._type === 'turn' && each.session === session._id,
    ).length;
    if (Number(session.turns ?? 0) !== turns) {
      problems.push(`${session._id} counts ${session.turns} turns, there are ${turns}`);
    }
  }
  return problems;
}

/** Nothing stays set aside, and what was spent is what the calls came to, unknown ones included. */
function budgetProblems(
  documents: readonly Document[],
  audit: readonly AuditEntry[],
  before: Before,
): string[] {
  const problems = documents
    .filter(({ _type }) => _type === 'reservation')
    .map(({ _id }) => `${_id} was left`);
  const { calls: asked, input_tokens, output_tokens } = usageIn(audit);
  const unknown = audit.filter(({ kind }) => kind === 'budget');
  const lost = (name: string) =>
    unknown.reduce((sum, { amounts }) => sum + Number((amounts as Document)?.[name] ?? 0), 0);
  for (const budget of documents.filter(({ _type }) => _type === 'budget')) {
    const was = before.budgets.get(budget._id);
    if (budget._rev === was?._rev) continue;
    const spent = (name: string) => figure(budget, 'spent', name) - figure(was, 'spent', name);
    const expected = { calls: asked + lost('calls'), tokens: tokensOf() + lost('tokens') };
    for (const [name, amount] of Object.entries(expected)) {
      if (spent(name) > amount) {
        problems.push(`${budget._id} counts ${spent(name)} ${name}, the audit trail ${amount}`);
      }
    }
    for (const name of ['calls', 'tokens', 'cost_usd']) {
      const reserved = figure(budget, 'reserved', name);
      if (Math.abs(reserved) > 1e-9) {
        problems.push(`${budget._id} still has ${reserved} ${name} set aside`);
      }
    }
  }
  return problems;

  function tokensOf(): number {
    return input_tokens + output_tokens;
  }
}

function figure(document: Document | undefined, field: string, name: string): number {
  return Number((document?.[field] as Document | undefined)?.[name] ?? 0);
}

/** What a second run of the same leaves again, kills or not. */
function factsOf(
  runs: readonly RunDocument[],
  checkpoints: readonly Document[],
  documents: readonly Document[],
  stages: readonly Stage[],
  calls: readonly Call[],
  { revisions }: Before,
): Facts {
  const own = documents.filter(
    ({ _id, _type, _rev }) => !MACHINERY.has(_type) && revisions.get(_id) !== _rev,
  );
  return {
    'runs end as': runs.map(({ _id, status, error }) => `${_id} ${status} ${error?.code ?? ''}`),
    'runs give': runs.map(({ _id, output, output_ref }) => `${_id} ${text(output ?? output_ref)}`),
    'stages are': stages.map(({ run, path, status }) => `${run} ${path} ${status}`).sort(),
    'checkpoints hold': checkpoints
      .map(({ _id, output, output_ref }) => `${_id} ${text(output ?? output_ref)}`)
      .sort(),
    'documents are': own.map(({ _id, _type }) => `${_type} ${_id}`).sort(),
    'documents hold': own.map((each) => text(each)).sort(),
    'numbers of documents are': counts(own.map(({ _type }) => _type)),
    'calls go by': unique(calls.map(({ key }) => key)).sort(),
    'calls say': unique(calls.map(({ key, hash }) => `${key} ${hash}`)).sort(),
  };
}

function counts(names: readonly string[]): string[] {
  const found = new Map<string, number>();
  for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  return [...found].map(([name, count]) => `${name} ${count}`).sort();
}

/** True when a call that may be made only once was cut: then nobody can know what came of it. */
export function isUnknown(facts: Facts): boolean {
  return (facts['runs end as'] ?? []).some((line) => line.endsWith(' OUTCOME_UNKNOWN'));
}

/** What differs between two runs of the same; only facts that `expected` has are compared. */
export function compareFacts(expected: Facts, found: Facts): string[] {
  return Object.keys(expected).flatMap((name) =>
    differences(name, found[name] ?? [], expected[name] as readonly string[]),
  );
}

/** The facts on which undisturbed runs agree: of others no run can be asked the same. */
export function stableFacts(left: Facts, right: Facts): Facts {
  const same = Object.keys(left).filter((name) => text(left[name]) === text(right[name]));
  return Object.fromEntries(same.map((name) => [name, left[name] as readonly string[]]));
}

/** As multisets: nothing missing, nothing more, nothing twice. */
function differences(
  what: string,
  found: readonly string[],
  expected: readonly string[],
): string[] {
  const missing = new Map<string, number>();
  for (const name of expected) missing.set(name, (missing.get(name) ?? 0) + 1);
  for (const name of found) missing.set(name, (missing.get(name) ?? 0) - 1);
  return [...missing]
    .filter(([, count]) => count !== 0)
    .map(
      ([name, count]) =>
        `${what}: ${name.slice(0, 200)} ${count > 0 ? 'is missing' : 'is there too often'}`,
    );
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

function text(value: unknown): string {
  return stringifyValue((value ?? null) as Value);
}
