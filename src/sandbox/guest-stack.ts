/**
 * The engine writes a stack as lines of `at f (NAME:LINE:COLUMN)`, or
 * `at NAME:LINE:COLUMN` for a syntax error, both counted from 1. NAME is the
 * guest's, or a module's that it imports.
 */

/** Where an error was made: in which module, and where in its own code. */
export interface StackPlace {
  readonly module: string;
  readonly line: number;
  readonly column: number;
}

/** The lines of a stack that lie in the guest's own modules, when there are any. */
export function stackIn(stack: string, names: readonly string[]): { stack: string } | undefined {
  const lines = stack.split('\n').filter((line) => placeOf(line, names));
  return lines.length === 0 ? undefined : { stack: lines.join('\n') };
}

/** Where in the guest's modules the error was made, when the stack says. */
export function placeIn(stack: string, names: readonly string[]): StackPlace | undefined {
  for (const line of stack.split('\n')) {
    const place = placeOf(line, names);
    if (place) return place;
  }
  return undefined;
}

function placeOf(text: string, names: readonly string[]): StackPlace | undefined {
  const [, before, line, column] = /^(.*?):(\d+)(?::(\d+))?\)?$/.exec(text) ?? [];
  if (before === undefined) return undefined;
  const module = names.find((name) => before.endsWith(`(${name}`) || before.endsWith(` ${name}`));
  if (module === undefined) return undefined;
  return { module, line: Number(line), column: Number(column ?? 1) };
}
