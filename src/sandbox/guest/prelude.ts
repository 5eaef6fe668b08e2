// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { ApiHooks } from '../guest-apis/use.js';
import { createApis, type LoadApi } from './apis-on-demand.js';
import { boundLengths } from './bounded-lengths.js';
import { createBytes } from './bytes.js';
import { compactSource } from './compact-source.js';
import { type CrossingLimits, createCrossing } from './crossing.js';
import { createQuery } from './cursor.js';
import { createDescribe, createErrors } from './failures.js';
import { defineHostObjects, type Member } from './host-objects.js';
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
/** Lets the host read a result from memory; says whether it could. */
type Deliver = (value: unknown) => unknown;

/** Sets the realm up, and hands the host the functions that it drives the realm by. */
function boot(
  parts: typeof PARTS,
  member: Member,
  print: Print,
  deliver: Deliver,
  seedPart: SeedPart,
  loadApi: LoadApi,
  digest: ApiHooks['digest'],
) {
  const intrinsics = parts.captureIntrinsics();
  parts.boundLengths(intrinsics);
  const { freeze, defineProperty, parse, stringify } = intrinsics;
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
    parts.defineHostObjects(intrinsics, settings.host, member, parts.createQuery);
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

  /** `await` here is the language's own: it looks at no replaced `Promise.prototype.then`. */
  async function follow(result: unknown): Promise<void> {
    try {
      outcome = conclude(await result);
    } catch (error) {
      outcome = '-' + tell(error);
    }
  }

  /** What the entry gave and the host could not read: as `conclude`, or `?` while it waits. */
  function settle(result: unknown): string {
    outcome = '?';
    if (typeof result === 'object' && result !== null) {
      follow(result);
      return outcome;
    }
    try {
      return '+' + encode(result);
    } catch (error) {
      return '-' + tell(error);
    }
  }

  // Each of these gives text or nothing; besides, the host reads only what it is handed.
  return freeze({
    equip,
    settle,
    fail: (error: unknown) => '-' + tell(error),
    outcome: () => outcome,
    forgetSeed,
    describe,
    /** The text of a host call's arguments that the host could not read. */
    encodeArguments: (name: string, ...args: unknown[]) => encode(args, name),
    /** The error of a host function, by the JSON text of `{ message, code?, host? }`. */
    failureOf: (text: string) => {
      const { message, code, host } = parse(text) as never;
      return make(message, code, { __proto__: null, host } as never);
    },
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
