/**
 * The engine writes a stack as lines of `at f (NAME:LINE:COLUMN)`, or
 * `at NAME:LINE:COLUMN` for a syntax error, both counted from 1.
 */

/** The lines of a stack that lie in the guest's own code, when there are any. */
export function stackIn(stack: string, name: string): { stack: string } | undefined {
  const lines = stack.split('\n').filter((line) => placeOf(line, name));
  return lines.length === 0 ? undefined : { stack: lines.join('\n') };
}

/** Where in the guest's code the error was made, when the stack says. */
export function placeIn(stack: string, name: string): { line: number; column: number } | undefined {
  for (const line of stack.split('\n')) {
    const place = placeOf(line, name);
    if (place) return place;
  }
  return undefined;
}

function placeOf(text: string, name: string): { line: number; column: number } | undefined {
  const at = text.lastIndexOf(`${name}:`);
  if (at < 0) return undefined;
  const [, line, column] = /^(\d+)(?::(\d+))?\)?$/.exec(text.slice(at + name.length + 1)) ?? [];
  return line === undefined ? undefined : { line: Number(line), column: Number(column ?? 1) };
}
