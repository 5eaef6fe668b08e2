import type { Document } from '../../base/document.js';
import { type ErrorCode, JdbxError } from '../../base/errors.js';
import { isPlainObject, takeValue, type Value, type ValueObject } from '../../base/values.js';
import { checkStage } from '../check-pipeline.js';
import type { StageWork } from '../contract.js';
import type { Stage } from '../pipeline-document.js';
import { checkpointId, type RunError } from '../run-document.js';
import { StageFailure } from '../stage-failure.js';
import { Suspended } from '../suspended.js';
import { stagesNamed } from './program-document.js';
import {
  type Asked,
  askedFor,
  type CodePlace,
  type Departure,
  diverged,
  Record,
} from './recorded.js';

/** What the guest hands over when it asks for a stage. */
export interface Question {
  readonly n: number;
  readonly kind: 'stage' | 'checkpoint';
  readonly what: Value;
  readonly given?: Value;
  /** A stack, when it was asked for. */
  readonly place?: string;
}

/** How a stage of a program ended, as the guest is told. */
export type Answer =
  | { readonly n: number; readonly value: Value }
  | { readonly n: number; readonly error: { readonly code: string; readonly text: string } };

/** Ends that are handed over at once. */
const AHEAD_MAX = 100;
const CHECKPOINT = 'checkpoint';

interface AskedStage {
  readonly n: number;
  readonly name: string;
  readonly path: string;
  readonly stage: Stage;
  readonly given: Value;
  readonly asked: Asked;
  state: 'asked' | 'running' | 'ended' | 'suspended' | 'failed';
  ending?: Promise<void>;
  output?: Value;
  error?: RunError | undefined;
  /** Why it cannot end now. */
  thrown?: unknown;
}

/**
 * The stages that a program has asked for, over all of its stays in the sandbox: what of
 * them is recorded, under way, or waits.
 */
export class ProgramStages {
  readonly #work: StageWork;
  readonly #record: Record;
  readonly #stages = new Map<number, AskedStage>();
  /** Those whose ends have not been handed over, and are not recorded. */
  readonly #pending = new Set<number>();
  readonly #named: ReadonlyMap<string, Stage>;
  readonly #told: (() => void)[] = [];
  #changes = 0;

  constructor(work: StageWork, document: Document) {
    this.#work = work;
    const prefix = `${work.path}/`;
    this.#record = new Record(work.run.recorded(prefix), prefix);
    const named = stagesNamed(document) ?? [];
    this.#named = new Map(named.map((stage) => [stage.name, stage]));
  }

  /** Which stage's end the program was handed as its `turn`th, from 0. */
  handed(turn: number): number | undefined {
    return this.#record.order[turn];
  }

  isAsked(n: number): boolean {
    return this.#stages.has(n);
  }

  /** The last recorded stage, by its position. */
  get last(): { readonly n: number; readonly name: string } | undefined {
    const n = Math.max(0, ...this.#record.order);
    return n === 0 ? undefined : { n, name: this.nameOf(n) };
  }

  nameOf(n: number): string {
    return this.#stages.get(n)?.name ?? this.#record.nameOf(n) ?? '';
  }

  /** Stages that the program may call by their names, as functions too. */
  get names(): Value[] {
    return [...this.#named.keys()];
  }

  get path(): string {
    return this.#work.path;
  }

  /** @throws {JdbxError} REPLAY_DIVERGED, INVALID_PIPELINE */
  ask(question: Question, placeOf: (stack: string) => CodePlace): void {
    const { n, place } = question;
    const path = this.#work.path;
    const { stage, given, name } = this.#read(question);
    const asked = askedFor(stage as unknown as Value, given);
    const departure = this.#record.difference(n, name, asked) ?? this.#changed(n, name, asked);
    if (departure) throw diverged(path, departure, place === undefined ? {} : placeOf(place));
    if (this.#stages.has(n)) return;
    const made = { n, name, path: `${path}/${n}/${name}`, stage, given, asked };
    this.#stages.set(n, { ...made, state: 'asked' });
    if (!this.#record.has(n)) this.#pending.add(n);
  }

  /**
   * What is recorded to have ended after the `turn`th, so that it need not be asked for one by one:
   * plain outputs, as far as the program read nothing in between.
   */
  ahead(turn: number, reads: (turn: number) => boolean): Answer[] {
    const answers: Answer[] = [];
    for (let at = turn; answers.length < AHEAD_MAX && !reads(at); at++) {
      const n = this.#record.order[at];
      const path = n && (this.#record.pathOf(n) ?? this.#stages.get(n)?.path);
      const end = path ? this.#work.run.recordedEnd(path) : undefined;
      // What a failure means, and what a checkpoint gives, is the asked stage's to say.
      if (n === undefined || end?.status !== 'done' || this.nameOf(n) === CHECKPOINT) break;
      answers.push({ n, value: end.output });
    }
    return answers;
  }

  /** Begins what was asked for and is not recorded. */
  begin(): void {
    for (const stage of this.#open()) {
      if (stage.state === 'asked') this.#start(stage);
    }
  }

  /** How a stage ended whose end was handed over before. */
  async recorded(n: number): Promise<Answer> {
    const stage = this.#stages.get(n) as AskedStage;
    if (stage.state === 'asked') this.#start(stage);
    await stage.ending;
    if (stage.thrown !== undefined) throw stage.thrown;
    return answerOf(stage);
  }

  /**
   * The next stage that has ended, in the order of the commits, so that it is the same after
   * a crash; undefined while none has.
   */
  async ended(): Promise<Answer | undefined> {
    const open = this.#open();
    const failed = open.find(({ state }) => state === 'failed');
    if (failed) throw failed.thrown;
    if (!open.some(({ state }) => state === 'ended')) return undefined;
    const next = open.length === 1 ? open[0] : this.#firstOf(open);
    await next?.ending;
    if (!next || next.thrown !== undefined) throw next?.thrown;
    this.#record.order.push(next.n);
    this.#pending.delete(next.n);
    return answerOf(next);
  }

  #firstOf(open: readonly AskedStage[]): AskedStage | undefined {
    const { run } = this.#work;
    const committed = open
      .map((stage) => ({ stage, order: run.commitOf(stage.path) }))
      .filter(({ order }) => order > 0);
    committed.sort((left, right) => left.order - right.order || left.stage.n - right.stage.n);
    return committed[0]?.stage;
  }

  /** What has been asked for and not been handed over. */
  get openCount(): number {
    return this.#open().length;
  }

  /** True when all that is open waits for something from outside. */
  get allWait(): boolean {
    return this.#open().every(({ state }) => state === 'suspended');
  }

  /** Grows when a stage has ended or come to wait. */
  get changes(): number {
    return this.#changes;
  }

  /** Settles when `changes` is another number than `seen`. */
  async changed(seen: number): Promise<void> {
    if (this.#changes === seen) await new Promise<void>((resolve) => this.#told.push(resolve));
  }

  /** Waits until there is something to hand over. @throws {Suspended} when nothing will be */
  async progress(): Promise<void> {
    for (;;) {
      const seen = this.#changes;
      if (this.#open().some(({ state }) => state === 'ended' || state === 'failed')) return;
      if (this.allWait)
        throw Suspended.joined(this.#open().map(({ thrown }) => thrown as Suspended));
      await this.changed(seen);
    }
  }

  /** The error of a stage that the program let through. */
  failureOf(n: number): StageFailure {
    const { path, error } = this.#stages.get(n) as AskedStage;
    const { code, message, stage = path } = error as RunError;
    return new StageFailure(stage, new JdbxError(code as ErrorCode, textOf(code, message)));
  }

  /** The guest ends, and runs anew when there is more to hand over: outputs are read again then. */
  forget(): void {
    this.#work.run.revisit();
    for (const n of this.#record.order) {
      const stage = this.#stages.get(n);
      if (stage?.state === 'ended') this.#stages.set(n, { ...stage, state: 'asked', output: null });
    }
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#stages.values()].map(({ ending }) => ending));
  }

  #open(): AskedStage[] {
    return [...this.#pending].map((n) => this.#stages.get(n) as AskedStage);
  }

  #changed(n: number, name: string, asked: Asked): Departure | undefined {
    const known = this.#stages.get(n);
    if (!known) return undefined;
    const same = known.name === name && known.asked.stage === asked.stage;
    if (same && known.asked.given === asked.given) return undefined;
    const what = same ? 'input' : 'stage';
    return { n, what, recorded: { name: known.name }, asked: { name } };
  }

  #start(stage: AskedStage): void {
    stage.state = 'running';
    stage.ending = this.#run(stage).then(
      () => {
        stage.state = 'ended';
      },
      (thrown: unknown) => {
        stage.state = thrown instanceof Suspended ? 'suspended' : 'failed';
        stage.thrown = thrown;
      },
    );
    stage.ending.then(() => {
      this.#changes++;
      for (const tell of this.#told.splice(0)) tell();
    });
  }

  async #run(asked: AskedStage): Promise<void> {
    const { stage, given, path, name } = asked;
    const { context, run, signal } = this.#work;
    const names = isPlainObject(given) ? (given as Readonly<{ [name: string]: Value }>) : {};
    const own = context.child({ ...names, error: null }, given);
    const mayFail = stage.on_error === undefined || stage.on_error === 'fail';
    const durable = { ...stage, asked: asked.asked, ...(mayFail ? { on_error: 'continue' } : {}) };
    const prefix = path.slice(0, -name.length);
    const output = await run.stages([durable as Stage], own, prefix, signal);
    asked.output = stage.checkpoint ? checkpointId(run.id, path) : output;
    const error = own.lookup('error') as RunError | null;
    asked.error = (mayFail && error) || undefined;
  }

  #read({ n, kind, what, given = null }: Question) {
    if (kind === 'checkpoint') {
      const stage = { name: CHECKPOINT, checkpoint: true } as Stage;
      return { stage, name: stage.name, given: this.#stateIn(what as readonly Value[], n) };
    }
    const stage = this.#stageOf(what, n, given);
    return { stage, name: stage.name, given };
  }

  /**
   * `checkpoint(state)`, or `checkpoint(session, state)` where that is the run's session, or
   * `checkpoint(session, after, state)` that also says in words after what.
   */
  #stateIn(said: readonly Value[], n: number): Value {
    const [state = null] = said.slice(-1);
    const [named = null, after = ''] = said.slice(0, -1);
    const session = isPlainObject(named) ? ((named as ValueObject)._id ?? '') : named;
    const { session: own } = this.#work.run;
    const isKnown = said.length <= 3 && typeof after === 'string';
    if (isKnown && (session === null || session === own)) return state;
    const expected =
      own === undefined ? 'a state alone: the run has no session' : `${own}, a state`;
    const text = `expected ${expected} for checkpoint, got ${isKnown ? session : `${said.length} values`}`;
    throw new JdbxError('INVALID_PIPELINE', text, { path: `${this.#work.path}.${n}` });
  }

  /** A stage by its name in the program's document, or as the program made it. */
  #stageOf(what: Value, n: number, given: Value): Stage {
    const path = `${this.#work.path}.${n}`;
    if (typeof what === 'string') {
      const named = this.#named.get(what);
      if (named) return named;
      const known = [...this.#named.keys()].join(', ') || 'none';
      const text = `expected one of the program's stages (${known}), got ${what}`;
      throw new JdbxError('INVALID_PIPELINE', text, { path });
    }
    const stage = { name: kindIn(what), ...(what as ValueObject) };
    const names = isPlainObject(given) ? Object.keys(given) : [];
    const checked = checkStage(takeValue(stage), names);
    if (checked.on_error !== 'compensate') return checked;
    const text = "expected on_error 'compensate' of the whole program, not of one stage";
    throw new JdbxError('INVALID_PIPELINE', text, { path: `${path}.on_error` });
  }
}

/** A stage needs no name of its own: its position tells it from others. */
function kindIn(what: Value): string {
  return isPlainObject(what) ? (Object.keys(what)[0] ?? 'stage') : 'stage';
}

function answerOf({ n, output, error }: AskedStage): Answer {
  if (!error) return { n, value: output ?? null };
  return { n, error: { code: error.code, text: textOf(error.code, error.message) } };
}

function textOf(code: string, message: string): string {
  return message.startsWith(code) ? message.slice(message.indexOf(': ') + 2) : message;
}
