/** The place of an offset in a text: line and column count from 1, in UTF-16 units. */
export function placeAt(code: string, position: number): { line: number; column: number } {
  const before = code.slice(0, position).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
