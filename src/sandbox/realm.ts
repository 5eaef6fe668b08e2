import { createHash } from 'node:crypto';
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten';
import { VALUE_LIMITS } from '../base/values.js';
import type { CallBudget } from './call-budget.js';
import type { ConsoleLog } from './console-log.js';
import type { GuestFailure } from './guest/failures.js';
import { PRELUDE, PRELUDE_NAME, type PreludeSettings } from './guest/prelude.js';
import type { Instance } from './instance.js';
import type { CallMessage, GuestOutcome } from './messages.js';
import { MEMORY_USED_UP } from './traps.js';

/** What a call lends to the realm that runs it. */
export interface CallScope {
  readonly budget: CallBudget;
  readonly log: ConsoleLog;
  /** The answer's text, or undefined when the call is over. */
  readonly callHost: (name: string, argumentsText: string) => string | undefined;
}

/** Jobs run between two looks at the verdict. */
const JOBS_A_ROUND = 64;

/**
 * A runtime and context of QuickJS with the prelude and one guest's code in it.
 * The interrupt handler is in place before anything is evaluated.
 */
export class Realm {
  readonly instance: Instance;
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #handles: QuickJSHandle[] = [];
  #scope: CallScope;
  #driver: QuickJSHandle | undefined;
  #entry: QuickJSHandle | undefined;

  constructor(instance: Instance, call: CallMessage, scope: CallScope) {
    this.instance = instance;
    this.#scope = scope;
    this.#runtime = instance.engine.newRuntime();
    this.#runtime.setInterruptHandler(() => this.#scope.budget.isSpent());
    this.#runtime.setMemoryLimit(call.limits.memoryBytes);
    this.#runtime.setMaxStackSize(call.limits.stackBytes);
    this.#context = this.#runtime.newContext();
  }

  /** Whether the code has been evaluated without failing, so that a next call may use it. */
  get isLoaded(): boolean {
    return this.#entry !== undefined;
  }

  /** Runs the entry once; loads the code first, unless an earlier call did. */
  run(call: CallMessage, scope: CallScope): GuestOutcome {
    this.#scope = scope;
    const isFirst = this.#driver === undefined;
    const failure = isFirst ? (this.#boot(call) ?? this.#load(call)) : this.#reseed(call);
    const outcome = failure ?? this.#callEntry(call);
    const { verdict } = scope.budget;
    return verdict ? { kind: 'stopped', ...verdict } : outcome;
  }

  dispose(): void {
    for (const handle of this.#handles.reverse()) handle.dispose();
    this.#context.dispose();
    this.#runtime.dispose();
  }

  #boot(call: CallMessage): GuestOutcome | undefined {
    const context = this.#context;
    const settings: PreludeSettings = {
      host: call.host,
      crossing: { ...VALUE_LIMITS, lengthMax: call.limits.outputBytes },
    };
    const made = context.evalCode(PRELUDE, PRELUDE_NAME, { type: 'global', strict: true });
    if (made.error) return this.#unreadable(made.error);
    const boot = this.#own(made.value);
    const args = [
      this.#own(context.newFunction('hostCall', (...args) => this.#hostCall(...args))),
      this.#own(context.newFunction('print', (...args) => this.#print(...args))),
      ...this.#seedNumbers(call.seed).map((seed) => this.#own(seed)),
      this.#own(context.newString(JSON.stringify(settings))),
    ];
    const driver = context.callFunction(boot, context.undefined, args);
    if (driver.error) return this.#unreadable(driver.error);
    this.#driver = this.#own(driver.value);
    return undefined;
  }

  /** A script's functions are found by name in its scope, a module's in its exports. */
  #load(call: CallMessage): GuestOutcome | undefined {
    const named = call.module && call.entry !== 'default';
    const code = named ? `${call.code}\n;export { ${call.entry} as ${MODULE_ENTRY} };` : call.code;
    const type = call.module ? 'module' : 'global';
    const loaded = this.#context.evalCode(code, call.name, { type });
    if (loaded.error) return this.#thrown(loaded.error);
    const result = this.#own(loaded.value);
    if (call.module) {
      this.#entry = this.#own(this.#context.getProp(result, named ? MODULE_ENTRY : 'default'));
      return undefined;
    }
    const found = this.#context.evalCode(call.entry, PRELUDE_NAME, { type: 'global' });
    if (found.error) return this.#thrown(found.error);
    this.#entry = this.#own(found.value);
    return undefined;
  }

  #reseed(call: CallMessage): GuestOutcome | undefined {
    const seeds = this.#seedNumbers(call.seed);
    const result = this.#drive('reseed', seeds);
    for (const seed of seeds) seed.dispose();
    return typeof result === 'string' ? undefined : result;
  }

  #callEntry(call: CallMessage): GuestOutcome {
    if (!this.#fits(call.argumentsText)) return MEMORY_USED_UP;
    const args = this.#context.newString(call.argumentsText);
    const first = this.#drive('run', [this.#entry as QuickJSHandle, args]);
    args.dispose();
    if (first !== '?') return this.#read(first);
    this.#drain();
    return this.#read(this.#drive('outcome', []));
  }

  /** Runs promise jobs until the outcome is there, none is left, or the call is over. */
  #drain(): void {
    const { budget } = this.#scope;
    while (this.#runtime.hasPendingJob() && !budget.isSpent()) {
      const round = this.#runtime.executePendingJobs(JOBS_A_ROUND);
      round.dispose();
      if (this.#drive('outcome', []) !== '?') return;
    }
  }

  #read(text: string | GuestOutcome): GuestOutcome {
    if (typeof text !== 'string') return text;
    if (text[0] === '+') return { kind: 'value', text: text.slice(1) };
    if (text[0] === '-') return this.#readFailure(text.slice(1));
    const message = 'the entry returned a promise that nothing will settle';
    return { kind: 'thrown', failure: { message } };
  }

  /** Calls a function of the prelude and gives its text. */
  #drive(name: string, args: QuickJSHandle[]): string | GuestOutcome {
    const method = this.#context.getProp(this.#driver as QuickJSHandle, name);
    const result = this.#context.callFunction(method, this.#context.undefined, args);
    method.dispose();
    if (result.error) return this.#unreadable(result.error);
    const text = this.#context.getString(result.value);
    result.value.dispose();
    return text;
  }

  #thrown(error: QuickJSHandle): GuestOutcome {
    const text = this.#drive('describe', [error]);
    error.dispose();
    return typeof text === 'string' ? this.#readFailure(text) : text;
  }

  /** Without the memory to make an error, the engine throws null. */
  #readFailure(text: string): GuestOutcome {
    const failure = JSON.parse(text) as GuestFailure;
    const isNull = failure.name === undefined && failure.message === 'null';
    return isNull && this.instance.isNearlyFull ? MEMORY_USED_UP : { kind: 'thrown', failure };
  }

  /** The prelude itself failed: out of time, memory or stack, with nothing left to say which. */
  #unreadable(error: QuickJSHandle): GuestOutcome {
    error.dispose();
    if (this.instance.isNearlyFull) return MEMORY_USED_UP;
    return { kind: 'stopped', code: 'GUEST_CRASHED', text: 'the guest left no readable outcome' };
  }

  #hostCall(...[name, argumentsText]: QuickJSHandle[]): QuickJSHandle {
    const text = this.#scope.callHost(
      this.#context.getString(name as QuickJSHandle),
      this.#context.getString(argumentsText as QuickJSHandle),
    );
    if (text !== undefined && !this.#fits(text)) {
      this.#scope.budget.stop('GUEST_MEMORY', 'the answer of a host function does not fit');
    }
    const { verdict } = this.#scope.budget;
    return this.#context.newString(verdict || text === undefined ? CALL_IS_OVER : text);
  }

  /** The library copies a text into memory without looking whether there was any to have. */
  #fits(text: string): boolean {
    return text.length <= this.instance.memoryBytesMax / 4;
  }

  #print(...[level, text]: QuickJSHandle[]): undefined {
    const line: unknown = JSON.parse(this.#context.getString(text as QuickJSHandle));
    this.#scope.log.print(this.#context.getString(level as QuickJSHandle), String(line));
  }

  #seedNumbers(seed: string): QuickJSHandle[] {
    const hash = createHash('sha256').update(seed).digest();
    return [0, 4, 8].map((at) => this.#context.newNumber(hash.readInt32LE(at)));
  }

  #own(handle: QuickJSHandle): QuickJSHandle {
    this.#handles.push(handle);
    return handle;
  }
}

/** The name under which a module's own entry is exported to the realm. */
const MODULE_ENTRY = '__jdbxEntry';
/** What the guest sees of a host call that outlived its call; the verdict overrules it. */
const CALL_IS_OVER = `-${JSON.stringify({ message: 'the call is over', code: 'GUEST_TIMEOUT' })}`;
