// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import { createBytes } from './bytes.js';
import { type CrossingLimits, createCrossing } from './crossing.js';
import { createQuery } from './cursor.js';
import { createDescribe, createErrors } from './failures.js';
import { defineHostObjects } from './host-objects.js';
import { createInspect } from './inspect.js';
import { captureIntrinsics } from './intrinsics.js';
import { createRandom } from './random.js';

/** What every call needs. */
const PARTS = { captureIntrinsics, createErrors, createCrossing, createRandom, defineHostObjects };

/** What many calls do without, and so is compiled on first use: compiling is what a realm costs. */
const LATE_PARTS = { createInspect, createDescribe, createQuery, createBytes };

export interface PreludeSettings {
  /** Names of the host functions, dotted. */
  readonly host: readonly string[];
  readonly crossing: CrossingLimits;
}

/** Prints in the guest's `console` order; `text` is the JSON text of a string. */
type Print = (level: string, text: string) => void;
/** Answers `+` and a value's text, or `-` and the JSON text of `{ message, code?, host? }`. */
type HostCall = (name: string, argumentsText: string) => string;

/** Sets the realm up, and hands the host the functions that it drives the realm by. */
function boot(
  parts: typeof PARTS,
  lateTexts: Readonly<Record<keyof typeof LATE_PARTS, string>>,
  hostCall: HostCall,
  print: Print,
  seed: readonly number[],
  settings: PreludeSettings,
) {
  const intrinsics = parts.captureIntrinsics();
  const { apply, freeze, defineProperty, compile, parse, slice, stringify } = intrinsics;

  /** A part that is made when it is first asked for. */
  function late<K extends keyof typeof LATE_PARTS, M>(
    name: K,
    make: (create: (typeof LATE_PARTS)[K]) => M,
  ): () => M {
    let made: M | undefined;
    return () => {
      made ??= make(compile(lateTexts[name]) as (typeof LATE_PARTS)[K]);
      return made;
    };
  }

  const { make, originOf } = parts.createErrors(intrinsics);
  const inspect = late('createInspect', (create) => create(intrinsics));
  const describe = late('createDescribe', (create) => create(intrinsics, originOf, inspect()));
  const query = late('createQuery', (create) => create(intrinsics, callHost));
  const bytes = late('createBytes', (create) => create(intrinsics));
  const { encode, decode } = parts.createCrossing(intrinsics, make, bytes, settings.crossing);
  const reseed = parts.createRandom(intrinsics);
  reseed(seed[0] as number, seed[1] as number, seed[2] as number);
  let outcome = '';

  function callHost(name: string, args: unknown[]): unknown {
    const reply = hostCall(name, encode(args, name));
    const body = slice(reply, 1);
    if (reply[0] === '+') return decode(body);
    const { message, code, host } = parse(body) as never;
    throw make(message, code, { __proto__: null, host } as never);
  }

  function printer(level: string) {
    return (...values: unknown[]) => {
      let line = '';
      for (let index = 0; index < values.length; index++) {
        line += (index === 0 ? '' : ' ') + inspect()(values[index]);
      }
      print(level, stringify(line));
    };
  }

  parts.defineHostObjects(
    intrinsics,
    settings.host,
    callHost,
    (filter?: unknown, shape?: unknown) => query()(filter, shape),
  );
  const console = {
    debug: printer('debug'),
    log: printer('log'),
    info: printer('info'),
    warn: printer('warn'),
    error: printer('error'),
  };
  const property = { __proto__: null, value: console, writable: true, configurable: true };
  defineProperty(globalThis, 'console', property as PropertyDescriptor);

  /** A proxy that throws from its traps has no description. */
  function tell(error: unknown): string {
    try {
      return describe()(error);
    } catch {
      return '{"message":"an exception that cannot be read"}';
    }
  }

  /** `await` here is the language's own: it looks at no replaced `Promise.prototype.then`. */
  async function follow(result: unknown): Promise<void> {
    try {
      outcome = '+' + encode(await result);
    } catch (error) {
      outcome = '-' + tell(error);
    }
  }

  /** Calls the entry: `+` and the value's text, `-` and the failure, or `?` while it waits. */
  function run(entry: (...args: unknown[]) => unknown, argumentsText: string): string {
    outcome = '?';
    try {
      const result = apply(entry, undefined, decode(argumentsText) as unknown[]);
      if (typeof result !== 'object' || result === null) return '+' + encode(result);
      follow(result);
      return outcome;
    } catch (error) {
      return '-' + tell(error);
    }
  }

  // Each of these gives text, which is all that the host reads of this realm.
  return freeze({
    run,
    reseed,
    outcome: () => outcome,
    describe: (thrown: unknown) => describe()(thrown),
  });
}

/** The file name that the prelude has in stack traces, where it is left out. */
export const PRELUDE_NAME = '<jdbx>';

/** An expression that gives `(hostCall, print, seed0, seed1, seed2, settingsText) => driver`. */
export const PRELUDE = `(() => {
'use strict';
const parts = { ${entriesOf(PARTS, compact)} };
const late = { ${entriesOf(LATE_PARTS, (part) => JSON.stringify(`'use strict'; (${compact(part)})`))} };
const boot = ${compact(boot)};
return (hostCall, print, s0, s1, s2, settings) =>
boot(parts, late, hostCall, print, [s0, s1, s2], JSON.parse(settings));
})()`;

type Part = (...args: never[]) => unknown;

function entriesOf(parts: Readonly<Record<string, Part>>, write: (part: Part) => string): string {
  return Object.entries(parts)
    .map(([name, part]) => `${name}: ${write(part)}`)
    .join(',\n');
}

/** A function's text without comment lines and indentation; no string here spans lines. */
function compact(part: Part): string {
  return String(part)
    .replace(/^\s*\/\*[\s\S]*?\*\/$/gm, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/^\s+/gm, '');
}
