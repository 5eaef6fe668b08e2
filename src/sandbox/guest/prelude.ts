// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { ApiHooks } from '../guest-apis/use.js';
import { createApis, type LoadApi } from './apis-on-demand.js';
import { boundLengths } from './bounded-lengths.js';
import { createBytes } from './bytes.js';
import { compactSource } from './compact-source.js';
import { type CrossingLimits, createCrossing } from './crossing.js';
import { createQuery } from './cursor.js';
import { createDescribe, createErrors } from './failures.js';
import { defineHostObjects } from './host-objects.js';
import { createInspect } from './inspect.js';
import { captureIntrinsics } from './intrinsics.js';
import { createRandom, type SeedPart } from './random.js';

const PARTS = {
  captureIntrinsics,
  boundLengths,
  createErrors,
  createInspect,
  createDescribe,
  createBytes,
  createCrossing,
  createRandom,
  createQuery,
  defineHostObjects,
  createApis,
};

export interface PreludeSettings {
  /** Names of the host functions, dotted. */
  readonly host: readonly string[];
  /** Globals that the code names and the language lacks, each with the API that makes it. */
  readonly globals: readonly { readonly name: string; readonly api: string }[];
  readonly crossing: CrossingLimits;
}

/** Prints in the guest's `console` order; `text` is the JSON text of a string. */
type Print = (level: string, text: string) => void;
/** Null for itself, a list of a value, or `-` and the JSON text of `{ message, code?, host? }`. */
type Reply = readonly [unknown] | string | null;
type HostCallByText = (name: string, argumentsText: string) => Reply;
/** The same where the host reads the arguments from memory; undefined when it cannot. */
type HostCall = (name: string, args: readonly unknown[]) => Reply | undefined;
/** Lets the host read the entry's result from memory; says whether it could. */
type Deliver = (value: unknown) => unknown;

/** Sets the realm up, and hands the host the functions that it drives the realm by. */
function boot(
  parts: typeof PARTS,
  hostCall: HostCall,
  hostCallByText: HostCallByText,
  print: Print,
  deliver: Deliver,
  seedPart: SeedPart,
  loadApi: LoadApi,
  digest: ApiHooks['digest'],
) {
  const intrinsics = parts.captureIntrinsics();
  parts.boundLengths(intrinsics);
  const { apply, freeze, defineProperty, hasOwn, parse, slice, stringify } = intrinsics;
  const { objectPrototype, arrayPrototype } = intrinsics;
  const { make, originOf } = parts.createErrors(intrinsics);
  const inspect = parts.createInspect(intrinsics);
  const describe = parts.createDescribe(intrinsics, originOf, inspect);
  const limits = { __proto__: null, depthMax: 0, nodesMax: 0, lengthMax: 0 };
  const bytes = parts.createBytes(intrinsics);
  const { encode } = parts.createCrossing(intrinsics, make, bytes, limits);
  const { forget: forgetSeed, random32 } = parts.createRandom(intrinsics, seedPart);
  const hooks = freeze({ __proto__: null, random32, digest, inspect }) as unknown as ApiHooks;
  const { use, define } = parts.createApis(intrinsics, loadApi, hooks);
  let outcome = '';

  function callHost(name: string, args: unknown[]): unknown {
    let reply = hostCall(name, args);
    if (reply === undefined) reply = hostCallByText(name, encode(args, name));
    if (reply === null) return null;
    if (typeof reply !== 'string') return reply[0];
    const { message, code, host } = parse(slice(reply, 1)) as never;
    throw make(message, code, { __proto__: null, host } as never);
  }

  function printer(level: string) {
    return (...values: unknown[]) => {
      let line = '';
      for (let index = 0; index < values.length; index++) {
        line += (index === 0 ? '' : ' ') + inspect(values[index]);
      }
      print(level, stringify(line));
    };
  }

  /** Tells the realm what its document may call and return: once, before the guest's code. */
  function equip(settingsText: string): string {
    const settings = parse(settingsText) as PreludeSettings;
    limits.depthMax = settings.crossing.depthMax;
    limits.nodesMax = settings.crossing.nodesMax;
    limits.lengthMax = settings.crossing.lengthMax;
    const query = parts.createQuery(intrinsics, callHost);
    parts.defineHostObjects(intrinsics, settings.host, callHost, query);
    const { globals } = settings;
    for (let index = 0; index < globals.length; index++) {
      const { name, api } = globals[index] as PreludeSettings['globals'][number];
      define(name, api);
    }
    return '';
  }

  const console = {
    debug: printer('debug'),
    log: printer('log'),
    info: printer('info'),
    warn: printer('warn'),
    error: printer('error'),
    table: (data: unknown, columns?: readonly string[]) =>
      print('log', stringify(use('consoleTable').table(data, columns))),
  };
  const property = { __proto__: null, value: console, writable: true, configurable: true };
  defineProperty(globalThis, 'console', property as PropertyDescriptor);

  /** A proxy that throws from its traps has no description. */
  function tell(error: unknown): string {
    try {
      return describe(error);
    } catch {
      return '{"message":"an exception that cannot be read"}';
    }
  }

  /** `!` when the host has read the result, else `+` and its text. */
  function conclude(result: unknown): string {
    return deliver(result) ? '!' : '+' + encode(result);
  }

  /** Plain data is no thenable, unless its prototype was made one. */
  function canBeThenable(): boolean {
    return hasOwn(objectPrototype, 'then') || hasOwn(arrayPrototype, 'then');
  }

  /** `await` here is the language's own: it looks at no replaced `Promise.prototype.then`. */
  async function follow(result: unknown): Promise<void> {
    try {
      outcome = conclude(await result);
    } catch (error) {
      outcome = '-' + tell(error);
    }
  }

  /**
   * Calls the entry: nothing when the host has read the result, else what
   * `conclude` says, `-` and the failure, or `?` while it waits.
   */
  function run(entry: (...args: unknown[]) => unknown, args: unknown[]): string | undefined {
    outcome = '?';
    try {
      const result = apply(entry, undefined, args);
      const isObject = typeof result === 'object' && result !== null;
      if (!(isObject && canBeThenable()) && deliver(result)) return undefined;
      if (!isObject) return '+' + encode(result);
      follow(result);
      return outcome;
    } catch (error) {
      return '-' + tell(error);
    }
  }

  // Each of these gives text or nothing; besides, the host reads only what it is handed.
  return freeze({
    equip,
    run,
    /** The same for a kept realm, where the numbers of an earlier call may have been drawn. */
    runAgain: (entry: () => unknown, args: unknown[]) => {
      forgetSeed();
      return run(entry, args);
    },
    outcome: () => outcome,
    describe,
  });
}

/** The file name that the prelude has in stack traces, where it is left out. */
export const PRELUDE_NAME = '<jdbx>';

const PART_NAMES = Object.keys(PARTS).join(', ');

/**
 * Expressions whose values `PRELUDE_START` takes, in this order. They are many
 * because what compiling a text takes is never given back, and so would be part
 * of every image.
 */
export const PRELUDE_TEXTS: readonly string[] = [boot, ...Object.values(PARTS)].map(
  (part: (...args: never[]) => unknown) => `'use strict'; (${compactSource(part)})`,
);

/** An expression that gives `(...preludeValues, ...hostFunctions) => driver`. */
export const PRELUDE_START = `'use strict';
((boot, ${PART_NAMES}, ...host) => boot({ ${PART_NAMES} }, ...host))`;
