import { createHash } from 'node:crypto';
import { VALUE_LIMITS } from '../base/values.js';
import type { CallBudget } from './call-budget.js';
import type { ConsoleLog } from './console-log.js';
import type { EngineHost, Pointer } from './engine.js';
import type { GuestFailure } from './guest/failures.js';
import { PRELUDE_NAME, type PreludeSettings } from './guest/prelude.js';
import { apiText, globalsNamedIn } from './guest-apis/apis.js';
import { EVAL, GuestContext } from './guest-context.js';
import { NULL_ANSWER } from './guest-values.js';
import { HeapReader, type ReadLimits } from './heap-reader.js';
import type { Instance } from './instance.js';
import type { CallMessage, GuestOutcome } from './messages.js';
import {
  type DriverName,
  HOST_FUNCTION,
  type PreparedRealm,
  type RealmAddresses,
} from './realm-boot.js';
import { MEMORY_USED_UP } from './traps.js';

/** A guest's stack is short: it hands over fewer levels than a document may have. */
const CROSSING_LIMITS = { ...VALUE_LIMITS, depthMax: 100 } as const;

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
  /** The text of the result that the guest handed over. */
  #delivered = '';
  #readLimits: ReadLimits | undefined;
  #imports: Readonly<Record<string, string>> = {};
  #seed = '';
  #hasRun = false;
  /** Whether the guest printed, called the host or drew a random number. */
  #hasActed = false;

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
    this.#seed = call.seed;
    this.#imports = call.imports ?? {};
    const isSpent = () => scope.budget.isSpent();
    this.#readLimits = { ...CROSSING_LIMITS, lengthMax: call.limits.outputBytes, isSpent };
    this.instance.enter(this);
    const failure = this.isLoaded ? undefined : this.#load(call);
    const outcome = failure ?? this.#callEntry(call);
    const { verdict } = scope.budget;
    return verdict ? { kind: 'stopped', ...verdict } : outcome;
  }

  #load(call: CallMessage): GuestOutcome | undefined {
    const { readings } = this.#scope.clock;
    const failure = this.#equip(call) ?? this.#evaluate(call);
    if (failure) return failure;
    const isPure = !this.#hasActed && this.#scope.clock.readings === readings;
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
      crossing: { ...CROSSING_LIMITS, lengthMax: call.limits.outputBytes },
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

  #callEntry(call: CallMessage): GuestOutcome {
    if (!this.#fits(call.argumentsText)) return MEMORY_USED_UP;
    const args = this.#guest.value(call.argumentsText);
    if ('thrown' in args) return this.#unreadable(args.thrown);
    const entry = this.#entry as Pointer;
    const first = this.#drive(this.#hasRun ? 'runAgain' : 'run', [entry, args.value]);
    // A realm that is written back anyway need not be tidied.
    if (call.reuse) this.#guest.free(args.value);
    this.#hasRun = true;
    if (first !== '?') return this.#read(first);
    this.#drain();
    return this.#read(this.#drive('outcome', []));
  }

  /** Runs promise jobs until the outcome is there, none is left, or the call is over. */
  #drain(): void {
    const { budget } = this.#scope;
    while (this.#guest.hasJobs && !budget.isSpent()) {
      this.#guest.runJobs(JOBS_A_ROUND);
      if (this.#drive('outcome', []) !== '?') return;
    }
  }

  #read(text: string | GuestOutcome): GuestOutcome {
    if (typeof text !== 'string') return text;
    if (text === '!') return { kind: 'value', text: this.#delivered };
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

  callFunction(id: number, argumentsAt: Pointer): Pointer {
    const guest = this.#guest;
    if (id === HOST_FUNCTION.deliver) return this.#deliver(guest.argumentAt(argumentsAt, 0));
    if (id === HOST_FUNCTION.loadApi)
      return this.#loadApi(guest.text(guest.argumentAt(argumentsAt, 0)));
    if (id === HOST_FUNCTION.digest) return this.#digest(argumentsAt);
    this.#hasActed = true;
    if (id === HOST_FUNCTION.seedPart) return this.#seedPart(guest.argumentAt(argumentsAt, 0));
    const firstAt = guest.argumentAt(argumentsAt, 0);
    const second = guest.argumentAt(argumentsAt, 1);
    if (id === HOST_FUNCTION.callHost) return this.#hostCallPlain(firstAt, second);
    const first = guest.text(firstAt);
    if (id === HOST_FUNCTION.callHostByText) return this.#hostCall(first, guest.text(second));
    this.#scope.log.print(first, String(JSON.parse(guest.text(second))));
    return 0;
  }

  /** Both the name and the arguments are read from memory, or the guest's end is asked for text. */
  #hostCallPlain(name: Pointer, args: Pointer): Pointer {
    const reader = this.#reader();
    const text = reader?.read(args, 1);
    if (!reader || text === undefined) return 0;
    return this.#hostCall(reader.textOf(name) ?? this.#guest.text(name), text);
  }

  #deliver(value: Pointer): Pointer {
    const text = this.#reader()?.read(value);
    if (text === undefined) return 0;
    this.#delivered = text;
    return this.#guest.number(1);
  }

  /** Gives undefined when there is no memory for it. */
  #loadApi(name: string): Pointer {
    const text = apiText(name);
    const made =
      text === undefined ? undefined : this.#guest.evaluate(text, PRELUDE_NAME, EVAL.script);
    if (!made || 'value' in made) return made?.value ?? 0;
    this.#guest.free(made.thrown);
    return 0;
  }

  #digest(argumentsAt: Pointer): Pointer {
    const guest = this.#guest;
    const algorithm = guest.text(guest.argumentAt(argumentsAt, 0)).replace('-', '');
    const bytes = guest.bytes(guest.argumentAt(argumentsAt, 1));
    return guest.string(createHash(algorithm).update(bytes).digest('hex'));
  }

  #reader(): HeapReader | undefined {
    const { heap } = this.#addresses;
    if (!heap || !this.#readLimits) return undefined;
    return new HeapReader(this.instance.views, heap, this.#readLimits);
  }

  #hostCall(name: string, argumentsText: string): Pointer {
    const text = this.#scope.callHost(name, argumentsText);
    if (text !== undefined && !this.#fits(text)) {
      this.#scope.budget.stop('GUEST_MEMORY', 'the answer of a host function does not fit');
    }
    const { verdict } = this.#scope.budget;
    if (verdict || text === undefined) {
      this.instance.leave();
      return this.#guest.string(CALL_IS_OVER);
    }
    if (text === NULL_ANSWER) return this.#guest.null();
    return text[0] === '+' ? this.#answer(text.slice(1)) : this.#guest.string(text);
  }

  /** The answer in a list, which tells it from the text of a failure. */
  #answer(text: string): Pointer {
    const list = this.#guest.value(text);
    if ('value' in list) return list.value;
    this.#guest.free(list.thrown);
    this.#scope.budget.stop('GUEST_MEMORY', 'the answer of a host function does not fit');
    this.instance.leave();
    return this.#guest.string(CALL_IS_OVER);
  }

  /** A text is not begun to be copied into memory that would not hold it. */
  #fits(text: string): boolean {
    return text.length <= this.instance.memoryBytesMax / 4;
  }

  #seedPart(index: Pointer): Pointer {
    const hash = createHash('sha256').update(this.#seed).digest();
    return this.#guest.number(hash.readInt32LE(Number(this.#guest.text(index)) * 4));
  }
}

/** The outcome that a driver function gave instead of a text. */
function failureOf(result: string | GuestOutcome): GuestOutcome | undefined {
  return typeof result === 'string' ? undefined : result;
}

/** The name under which a module's own entry is exported to the realm. */
const MODULE_ENTRY = '__jdbxEntry';
/** What a guest without a meter sees of a host call that outlived its call; the verdict overrules it. */
const CALL_IS_OVER = `-${JSON.stringify({ message: 'the call is over', code: 'GUEST_TIMEOUT' })}`;
