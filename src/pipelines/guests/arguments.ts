import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value } from '../../base/values.js';
import type { GuestEntry } from '../../sandbox/entry.js';

export interface GuestInput {
  readonly input: Value;
  /** Finds a parameter's value by its name, when the input has none. */
  readonly lookup: (name: string) => Value | undefined;
  /** True when a parameter that stands alone is the input itself, whatever its name. */
  readonly whole: boolean;
}

/**
 * The arguments of a guest's entry. A transformer's only parameter is the stage's input.
 * Several parameters, and those of a generator or a strategy, are found by their names:
 * in the input, then in the context. One with a default may be missing, with all after it.
 *
 * @throws {JdbxError} MISSING_INPUT
 */
export function argumentsOf(entry: GuestEntry, guest: GuestInput, name: string): Value[] {
  const { parameters, required } = entry;
  const alone = parameters.length === 1 && guest.whole;
  if (parameters.length === 0 || alone) return [guest.input];
  const found = parameters.map((parameter) => argumentNamed(parameter, guest));
  // The only one that must be there, and nothing goes by its name: it means the input.
  if (required <= 1 && found[0] === undefined) found[0] = guest.input;
  const missing = found.indexOf(undefined);
  if (missing === -1) return found as Value[];
  if (missing >= required) return found.slice(0, missing) as Value[];
  const parameter = parameters[missing] ?? `parameter ${missing + 1}`;
  throw new JdbxError('MISSING_INPUT', `expected ${parameter}, which ${name} takes`, {
    path: parameter,
  });
}

function argumentNamed(name: string | undefined, { input, lookup }: GuestInput): Value | undefined {
  if (name === undefined) return undefined;
  if (isPlainObject(input) && Object.hasOwn(input, name)) return input[name] as Value;
  return lookup(name);
}
