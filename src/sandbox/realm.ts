import type { CallBudget } from './call-budget.js';
import type { ConsoleLog } from './console-log.js';
import type { EngineHost, Pointer } from './engine.js';
import type { GuestFailure } from './guest/failures.js';
import { PRELUDE_NAME, type PreludeSettings } from './guest/prelude.js';
import { globalsNamedIn } from './guest-apis/apis.js';
import { EVAL, GuestContext } from './guest-context.js';
import type { Instance } from './instance.js';
import type { CallMessage, GuestOutcome } from './messages.js';
import type { DriverName, PreparedRealm, RealmAddresses } from './realm-boot.js';
import { crossingLimits, RealmHost } from './realm-host.js';
import { MEMORY_USED_UP } from './traps.js';

/** What a call lends to the realm that runs it. */
export interface CallScope {
  readonly budget: CallBudget;
  readonly log: ConsoleLog;
  /** The guest's time; how often it was read tells whether code depends on it. */
  readonly clock: { readonly readings: number };
  /** The guest has run for a while. */
  readonly onPoll: () => void;
  /** The answer's text, or undefined when the call is over. */
  readonly callHost: (name: string, argumentsText: string) => string | undefined;
}

/** Jobs run between two looks at the verdict. */
const JOBS_A_ROUND = 64;

/**
 * A realm of the engine with the prelude and one guest's code in it, as it
 * stands in an instance's memory.
 */
export class Realm implements EngineHost {
  readonly instance: Instance;
  readonly #guest: GuestContext;
  readonly #addresses: RealmAddresses;
  #scope: CallScope;
  #entry: Pointer | undefined;
  #prepared: PreparedRealm | undefined;
  #host: RealmHost | undefined;
  #imports: Readonly<Record<string, string>> = {};
  /** Whether a number of an earlier call's seed was drawn. */
  #hasSeed = false;

  /** `addresses` must be those of what the instance's memory holds now. */
  constructor(instance: Instance, addresses: RealmAddresses, scope: CallScope) {
    this.instance = instance;
    this.#guest = new GuestContext(instance, addresses.runtime, addresses.context);
    this.#addresses = addresses;
    this.#entry = addresses.entry;
    this.#scope = scope;
  }

  /** Whether the code has been evaluated without failing, so that a next call may use it. */
  get isLoaded(): boolean {
    return this.#entry !== undefined;
  }

  /**
   * The realm as it was with the code evaluated and before the entry was
   * called; undefined when evaluating read the clock or a random number or was
   * seen from outside, since each call must then do that for itself.
   */
  get prepared(): PreparedRealm | undefined {
    return this.#prepared;
  }

  /** Runs the entry once; loads the code first, unless that has been done. */
  run(call: CallMessage, scope: CallScope): GuestOutcome {
    this.#scope = scope;
    this.#imports = call.imports ?? {};
    const host = new RealmHost(this.#guest, this.#addresses, call, scope);
    this.#host = host;
    this.instance.enter(this);
    const failure = this.isLoaded ? undefined : this.#load(call, host);
    const outcome = failure ?? this.#callEntry(call, host);
    this.#hasSeed ||= host.hasSeed;
    const { verdict } = scope.budget;
    return verdict ? { kind: 'stopped', ...verdict } : outcome;
  }

  #load(call: CallMessage, host: RealmHost): GuestOutcome | undefined {
    const { readings } = this.#scope.clock;
    const failure = this.#equip(call) ?? this.#evaluate(call);
    if (failure) return failure;
    const isPure = !host.hasActed && this.#scope.clock.readings === readings;
    if (!isPure || this.instance.hasGrown) return undefined;
    this.#prepared = {
      image: this.instance.capture(),
      addresses: { ...this.#addresses, entry: this.#entry as Pointer },
    };
    // This call too begins from the image, so that it runs as every later one will.
    this.instance.restore(this.#prepared.image);
    this.instance.enter(this);
    return undefined;
  }

  /** Gives the realm what the call's document has a right to. */
  #equip(call: CallMessage): GuestOutcome | undefined {
    const { calls } = this.instance;
    const { runtime } = this.#addresses;
    calls.QTS_RuntimeSetMemoryLimit(runtime, call.limits.memoryBytes);
    calls.QTS_RuntimeSetMaxStackSize(runtime, call.limits.stackBytes);
    const settings: PreludeSettings = {
      host: call.host,
      globals: globalsNamedIn([call.code, ...Object.values(this.#imports)]),
      crossing: crossingLimits(call),
    };
    return failureOf(this.#driveOnce('equip', [this.#guest.string(JSON.stringify(settings))]));
  }

  /** A script's functions are found by name in its scope, a module's in its exports. */
  #evaluate(call: CallMessage): GuestOutcome | undefined {
    const named = call.module && call.entry !== 'default';
    const code = named ? `${call.code}\n;export { ${call.entry} as ${MODULE_ENTRY} };` : call.code;
    const loaded = this.#guest.evaluate(code, call.name, call.module ? EVAL.module : EVAL.script);
    if ('thrown' in loaded) return this.#thrown(loaded.thrown);
    if (call.module) {
      this.#entry = this.#guest.property(loaded.value, named ? MODULE_ENTRY : 'default');
      return undefined;
    }
    const found = this.#guest.evaluate(call.entry, PRELUDE_NAME, EVAL.script);
    if ('thrown' in found) return this.#thrown(found.thrown);
    this.#entry = found.value;
    return undefined;
  }

  #callEntry(call: CallMessage, host: RealmHost): GuestOutcome {
    if (!host.fits(call.argumentsText)) return MEMORY_USED_UP;
    if (this.#hasSeed) this.#drive('forgetSeed', []);
    const guest = this.#guest;
    const args = guest.value(call.argumentsText);
    if ('thrown' in args) return this.#unreadable(args.thrown);
    const { reader } = host;
    const copies = reader ? [] : guest.items(args.value);
    const ended = guest.call(this.#entry as Pointer, reader?.itemsOf(args.value) ?? copies);
    // A realm that is written back anyway need not be tidied.
    if (call.reuse) for (const value of [args.value, ...copies]) guest.free(value);
    if ('thrown' in ended) return this.#failed(ended.thrown);
    const outcome = this.#settle(ended.value, host);
    if (call.reuse) guest.free(ended.value);
    return outcome;
  }

  #failed(thrown: Pointer): GuestOutcome {
    const text = this.#driveOnce('fail', [thrown]);
    return typeof text === 'string' ? this.#readFailure(text.slice(1)) : text;
  }

  /** Plain data is no thenable, unless its prototype was made one. */
  #settle(result: Pointer, host: RealmHost): GuestOutcome {
    const { reader } = host;
    const text = reader?.canBeThenable(result) ? undefined : reader?.read(result);
    if (text !== undefined) return { kind: 'value', text };
    const first = this.#drive('settle', [result]);
    if (first !== '?') return this.#read(first, host);
    this.#drain();
    return this.#read(this.#drive('outcome', []), host);
  }

  /** Runs promise jobs until the outcome is there, none is left, or the call is over. */
  #drain(): void {
    const { budget } = this.#scope;
    while (this.#guest.hasJobs && !budget.isSpent()) {
      this.#guest.runJobs(JOBS_A_ROUND);
      if (this.#drive('outcome', []) !== '?') return;
    }
  }

  #read(text: string | GuestOutcome, host: RealmHost): GuestOutcome {
    if (typeof text !== 'string') return text;
    if (text === '!') return { kind: 'value', text: host.delivered };
    if (text[0] === '+') return { kind: 'value', text: text.slice(1) };
    if (text[0] === '-') return this.#readFailure(text.slice(1));
    const message = 'the entry returned a promise that nothing will settle';
    return { kind: 'thrown', failure: { message } };
  }

  /** Calls a function of the prelude and gives its text; `!` when it gave nothing. */
  #drive(name: DriverName, args: readonly Pointer[]): string | GuestOutcome {
    const result = this.#guest.call(this.#addresses.driver[name], args);
    if ('thrown' in result) return this.#unreadable(result.thrown);
    if (this.#guest.isUndefined(result.value)) return '!';
    const text = this.#guest.text(result.value);
    this.#guest.free(result.value);
    return text;
  }

  /** The same with arguments made for this one call. */
  #driveOnce(name: DriverName, args: readonly Pointer[]): string | GuestOutcome {
    const text = this.#drive(name, args);
    for (const arg of args) this.#guest.free(arg);
    return text;
  }

  #thrown(error: Pointer): GuestOutcome {
    const text = this.#driveOnce('describe', [error]);
    return typeof text === 'string' ? this.#readFailure(text) : text;
  }

  /** Without the memory to make an error, the engine throws null. */
  #readFailure(text: string): GuestOutcome {
    const failure = JSON.parse(text) as GuestFailure;
    const isNull = failure.name === undefined && failure.message === 'null';
    return isNull && this.instance.isNearlyFull ? MEMORY_USED_UP : { kind: 'thrown', failure };
  }

  /** The prelude itself failed: out of time, memory or stack, with nothing left to say which. */
  #unreadable(error: Pointer): GuestOutcome {
    this.#guest.free(error);
    if (this.instance.isNearlyFull) return MEMORY_USED_UP;
    return { kind: 'stopped', code: 'GUEST_CRASHED', text: 'the guest left no readable outcome' };
  }

  shouldInterrupt(): boolean {
    this.#scope.onPoll();
    return this.#scope.budget.isSpent();
  }

  /** Only what the call brought along; anything else is a module that throws. */
  loadModule(name: string): Pointer {
    const code = Object.hasOwn(this.#imports, name) ? this.#imports[name] : undefined;
    const missing = `throw new ReferenceError(${JSON.stringify(`there is no module ${name}`)})`;
    return this.instance.writeText(code ?? missing).at;
  }

  callFunction(id: number, argumentsAt: Pointer, count: number): Pointer {
    return this.#host?.answer(id, argumentsAt, count) ?? 0;
  }
}

/** The outcome that a driver function gave instead of a text. */
function failureOf(result: string | GuestOutcome): GuestOutcome | undefined {
  return typeof result === 'string' ? undefined : result;
}

/** The name under which a module's own entry is exported to the realm. */
const MODULE_ENTRY = '__jdbxEntry';
