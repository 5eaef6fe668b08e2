/** The end of a command's help: what to type, and what for. */
export function examples(...lines: readonly (readonly [command: string, what: string])[]): string {
  const shown = lines.map(([command, what]) => `  ${command}\n      ${what}`);
  return `\nExamples:\n${shown.join('\n')}`;
}
