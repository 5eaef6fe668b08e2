/** A function's text without comment lines and indentation; no string in these spans lines. */
export function compactSource(part: unknown): string {
  return String(part)
    .replace(/^\s*\/\*[\s\S]*?\*\/$/gm, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/^\s+/gm, '');
}
