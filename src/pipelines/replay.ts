import { contentHash } from '../base/canonical.js';
import { compareValues } from '../base/order.js';
import { takeValue, type Value } from '../base/values.js';
import type { Snapshot } from '../documents/snapshot.js';
import type { Workspace } from '../documents/workspace.js';
import type { AuditDocument } from '../history/audit-chain.js';
import type { ModelCaller } from '../llm/call-model.js';
import type { ModelAttempt } from '../llm/contract.js';
import { isTrue } from '../query/expression.js';
import { referencedNames } from '../query/referenced-names.js';
import { templateOf } from './check-pipeline.js';
import type { Context } from './context.js';
import type { StageWork } from './contract.js';
import type { Execution } from './execution.js';
import { buildRequest } from './models/build-request.js';
import { IDLE, PastRun } from './past-run.js';
import { HOOKS } from './pins.js';
import type { Stage } from './pipeline-document.js';
import { renderPrompt } from './prompts/render-prompt.js';
import { kindOf } from './stage-kinds.js';
import type { StageEnd } from './stage-run.js';
import { Suspended } from './suspended.js';
import { walkStages } from './walk-stages.js';

export interface ReplayReport {
  readonly run: string;
  /** True when nothing differs. */
  readonly same: boolean;
  /** Stages that were done again and compared. */
  readonly compared: number;
  /** Stages whose record was taken as it is: what they did depends on more than their input. */
  readonly taken: number;
  /** The first place at which the run would go another way. */
  readonly difference?: ReplayDifference;
}

export interface ReplayDifference {
  readonly path: string;
  readonly what: 'when' | 'output' | 'request' | 'error';
  readonly recorded: Value;
  readonly replayed: Value;
}

/** Stands where the records and the replay part. */
class Parted extends Error {
  readonly difference: ReplayDifference;

  constructor(difference: ReplayDifference) {
    super(`differs at ${difference.path}`);
    this.difference = difference;
  }
}

/**
 * Goes through a run again from its records: conditions, prompts and functions without
 * database rights are evaluated anew, models answer from the audit trail. Nothing is
 * called and nothing is written.
 */
export async function replayRun(
  execution: Execution,
  snapshot: Snapshot,
  output: Value | undefined,
): Promise<ReplayReport> {
  const replay = new Replay(execution, snapshot);
  const { stages, output: expression } = execution.pipeline();
  const context = execution.context();
  const report = (difference?: ReplayDifference): ReplayReport => ({
    run: execution.id,
    same: difference === undefined,
    compared: replay.compared,
    taken: replay.taken,
    ...(difference ? { difference } : {}),
  });
  try {
    const last = await replay.stages(stages, context, '', new AbortController().signal);
    const given = expression === undefined ? last : (context.evaluate(expression) ?? null);
    if (output !== undefined && !isLoose(expression)) compare('', 'output', output, given);
    return report();
  } catch (thrown) {
    if (thrown instanceof Suspended) return report();
    if (thrown instanceof Parted) return report(thrown.difference);
    throw thrown;
  }
}

class Replay extends PastRun {
  compared = 0;
  taken = 0;
  readonly #snapshot: Snapshot;

  constructor(execution: Execution, snapshot: Snapshot) {
    super(execution);
    this.#snapshot = snapshot;
  }

  async stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value> {
    return walkStages({ stages, context, prefix }, async (stage, path) => {
      const end = this.execution.endOf(path);
      if (end) await this.#compare(stage, path, context, end, signal);
      else if (kindOf(stage).holdsStages && !stage.tools)
        await this.#again(stage, path, context, signal);
      if (!end) throw new Suspended([path]);
      return end;
    });
  }

  /** The answers of the audit trail, in the order in which they came. */
  override get models(): ModelCaller {
    throw new Suspended([]);
  }

  override workspace(): Workspace {
    return this.execution.workspace();
  }

  async #compare(
    stage: Stage,
    path: string,
    context: Context,
    end: StageEnd,
    signal: AbortSignal,
  ): Promise<void> {
    const { when } = stage;
    if (when !== undefined && !isLoose(when)) {
      const runs = isTrue(context.evaluate(when));
      compare(path, 'when', end.status !== 'skipped', runs);
    }
    if (end.status !== 'done' || !this.#isRepeatable(stage)) {
      this.taken++;
      return;
    }
    const output = await this.#again(stage, path, context, signal);
    compare(path, 'output', end.output, output);
    this.compared++;
  }

  async #again(stage: Stage, path: string, context: Context, signal: AbortSignal): Promise<Value> {
    try {
      const input = context.resolve(stage.inputs, `${path}.inputs`);
      const work = this.#workOf(stage, path, context, input, signal);
      if (stage.integration !== undefined) return this.#answerTo(work);
      return takeValue((await kindOf(stage).run(work)).output);
    } catch (thrown) {
      if (thrown instanceof Parted || thrown instanceof Suspended) throw thrown;
      throw new Parted({ path, what: 'error', recorded: null, replayed: String(thrown) });
    }
  }

  /** Equal seeds and times: what the guests of an attempt saw, they see again. */
  #workOf(
    stage: Stage,
    path: string,
    context: Context,
    input: Value,
    signal: AbortSignal,
  ): StageWork {
    const run = this.execution.id;
    const done = { _type: 'audit', run, kind: 'stage', path, status: 'done' };
    const [entry] = this.#snapshot.query<AuditDocument & { attempt: number; started_at: string }>(
      done,
    );
    const facts = {
      attempt: entry?.attempt ?? 1,
      startedAt: entry ? Date.parse(entry.started_at) : this.now(),
    };
    const idle = { ...IDLE, workspace: () => this.workspace() };
    return { stage, path, context, input, run: this, signal, ...facts, ...idle };
  }

  /** The recorded answer, if what would be asked now is what was asked then. */
  async #answerTo(work: StageWork): Promise<Value> {
    const { path, stage, input } = work;
    const asked = { _type: 'audit', run: this.execution.id, kind: 'llm-call', path };
    const calls = this.#snapshot.query<AuditDocument & Partial<ModelAttempt>>(asked);
    const whole = calls.filter(({ part }) => part === undefined);
    const answered = whole.findLast(({ response }) => response !== undefined) ?? whole.at(-1);
    const template = templateOf(stage);
    const said =
      template === undefined
        ? input
        : (await renderPrompt(work, this.definitions.get(template))).output;
    const integration = this.definitions.get(stage.integration as string);
    const { messages } = buildRequest(work, integration, { output: said, earlier: [] });
    compare(path, 'request', answered?.request?.messages ?? null, messages);
    return (this.execution.endOf(path) as StageEnd).output;
  }

  /** What depends on nothing but its input, its definition and the attempt's seed and time. */
  #isRepeatable(stage: Stage): boolean {
    if (
      stage.tools !== undefined ||
      stage.cache !== undefined ||
      stage.history !== undefined ||
      isLoose(stage.inputs)
    )
      return false;
    if (kindOf(stage).holdsStages) return stage.pipeline === undefined && stage.tool === undefined;
    const ids = [stage.transformer, templateOf(stage), stage.integration];
    const documents = ids.filter((id) => id !== undefined).map((id) => this.definitions.get(id));
    const free = documents.every(
      ({ permissions, reuse, ...rest }) =>
        (!Array.isArray(permissions) || permissions.length === 0) &&
        reuse !== true &&
        HOOKS.every((hook) => rest[hook] === undefined),
    );
    return free && documents.length > 0;
  }
}

/** A session, its history and the time are others by now. */
function isLoose(expression: unknown): boolean {
  if (expression === undefined) return false;
  const names = Array.isArray(expression) ? expression.map(String) : referencedNames(expression);
  const loose = names.some(
    (name) => name.startsWith('session') || name === 'history' || name.endsWith('_id'),
  );
  return loose || /\$\$NOW|\$rand|\$sampleRate/.test(JSON.stringify(expression) ?? '');
}

function compare(
  path: string,
  what: ReplayDifference['what'],
  recorded: unknown,
  replayed: unknown,
): void {
  const [left, right] = [takeValue(recorded as never), takeValue(replayed as never)];
  if (compareValues(left, right) === 0 || contentHash(left) === contentHash(right)) return;
  throw new Parted({ path, what, recorded: left, replayed: right });
}
