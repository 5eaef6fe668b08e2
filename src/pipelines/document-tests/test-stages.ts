import { type ErrorCode, JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { Workspace } from '../../documents/workspace.js';
import { isTrue } from '../../query/expression.js';
import { Attempt } from '../attempt.js';
import type { Context } from '../context.js';
import type { RunServices, WaitResult } from '../contract.js';
import type { Stage } from '../pipeline-document.js';
import { failureFacts } from '../run-errors.js';
import { continuation } from '../run-stage.js';
import { rootCause, StageFailure } from '../stage-failure.js';
import { kindOf } from '../stage-kinds.js';
import type { StageEnd } from '../stage-run.js';
import type { WaitPlan } from '../waits/wait-document.js';
import { walkStages } from '../walk-stages.js';
import type { DocumentTest } from './read-tests.js';

/** What the stages of a tested program ask of their run. */
type StageServices = Pick<
  RunServices,
  'stages' | 'recordedEnd' | 'commitOf' | 'remembers' | 'remember' | 'wait' | 'child' | 'now'
>;

/** What a tested program's stages need besides. */
export interface TestStagesDeps {
  readonly test: DocumentTest;
  /** What the test has written so far. */
  readonly workspace: Workspace;
  /** A snapshot with that. */
  readonly open: () => Workspace;
  readonly run: () => RunServices;
}

/**
 * The stages of a program under test. One that the test has answers for is not run; the others
 * run as in a run, but for those that would call a model, begin a run or wait for somebody. A
 * time that is waited for comes at once. Nothing is committed: a stage's writes are seen by the
 * next ones, and dropped when it fails.
 */
export class TestStages implements StageServices {
  readonly #deps: TestStagesDeps;
  readonly #answered = new Map<string, number>();
  readonly #ends = new Map<string, { readonly end: StageEnd; readonly order: number }>();
  readonly #remembered = new Map<string, Value>();
  #nowMs: number;

  constructor(deps: TestStagesDeps) {
    this.#deps = deps;
    this.#nowMs = deps.test.now;
  }

  now = (): number => this.#nowMs;

  stages: RunServices['stages'] = (stages, context, prefix, signal) =>
    walkStages({ stages, context, prefix }, async (stage, path) => {
      signal.throwIfAborted();
      const known = this.recordedEnd(path);
      if (known) return known;
      const end = await this.#end(stage, path, context, signal);
      this.#ends.set(path, { end, order: this.#ends.size + 1 });
      return end;
    });

  recordedEnd = (path: string): StageEnd | undefined => this.#ends.get(path)?.end;

  commitOf = (path: string): number => this.#ends.get(path)?.order ?? 0;

  remembers = (path: string): boolean => this.#remembered.has(path);

  remember = async (path: string, make: () => Value): Promise<Value> => {
    const value = this.#remembered.get(path) ?? make();
    this.#remembered.set(path, value);
    return value;
  };

  wait = async (path: string, plan: () => WaitPlan): Promise<WaitResult> => {
    const { kind, dueAt } = plan();
    if (kind !== 'time' || dueAt === undefined) throw missing(path, 'to wait for');
    this.#nowMs = Math.max(this.#nowMs, dueAt);
    return { output: null, wait: kind };
  };

  child: RunServices['child'] = async (_pipeline, _input, path) => {
    throw missing(path, 'to run a pipeline for');
  };

  async #end(stage: Stage, path: string, context: Context, signal: AbortSignal): Promise<StageEnd> {
    if (stage.when !== undefined && !isTrue(context.evaluate(stage.when))) {
      return { status: 'skipped', output: null };
    }
    try {
      return { status: 'done', output: await this.#outputOf(stage, path, context, signal) };
    } catch (thrown) {
      const fallback = signal.aborted ? undefined : continuation(stage);
      if (!fallback) throw new StageFailure(path, thrown);
      const at = thrown instanceof StageFailure ? thrown.path : path;
      const failure = { error: failureFacts(rootCause(thrown), at), ...fallback.goto };
      return { status: 'continued', output: fallback.value, failure };
    }
  }

  async #outputOf(
    stage: Stage,
    path: string,
    context: Context,
    signal: AbortSignal,
  ): Promise<Value> {
    if (this.#deps.test.stageAnswers.has(stage.name)) return this.#answerTo(stage.name);
    if (stage.integration !== undefined) throw missing(path, 'to call a model for');
    const input = context.resolve(stage.inputs, `${path}.inputs`);
    let seen = 0;
    const attempt = new Attempt(1, this.#nowMs, () => {
      const workspace = this.#deps.open();
      seen = workspace.writesAfter(0).written;
      return workspace;
    });
    try {
      const { startedAt, workspace, nextCall, nextCharge, note, charge, leave } = attempt;
      const own = { startedAt, workspace, nextCall, nextCharge, note, charge, leave };
      const work = { stage, path, input, context, run: this.#deps.run(), signal, attempt: 1 };
      const { output } = await kindOf(stage).run({ ...work, ...own });
      this.#deps.workspace.adopt(attempt.opened?.writesAfter(seen).writes ?? []);
      return output;
    } finally {
      attempt.close();
    }
  }

  #answerTo(name: string): Value {
    const count = this.#answered.get(name) ?? 0;
    this.#answered.set(name, count + 1);
    const answer = this.#deps.test.stageAnswers.get(name)?.[count];
    if (answer === undefined) {
      const text = `expected an answer for time ${count + 1} of the stage ${name} in the test's \`answers\``;
      throw new JdbxError('RECORDING_MISSING', text);
    }
    const error = isPlainObject(answer) ? (answer as ValueObject).$error : undefined;
    if (!isPlainObject(error)) return answer;
    const { code = 'GUEST_ERROR', message = 'failed' } = error as ValueObject;
    throw new JdbxError(code as ErrorCode, String(message));
  }
}

function missing(path: string, what: string): JdbxError {
  const text = `expected an answer for the stage ${path} in the test's \`answers\`: a test has nobody ${what} it`;
  return new JdbxError('RECORDING_MISSING', text, { path });
}
