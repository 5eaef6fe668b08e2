/** Names under which other programs know our fields. */
const ELSEWHERE = new Map([
  ['url', 'endpoint'],
  ['base_url', 'endpoint'],
  ['api_base', 'endpoint'],
  ['timeout', 'timeout_ms'],
  ['retries', 'retry_strategy'],
  ['max_retries', 'retry_strategy'],
  ['retry', 'retry_strategy'],
  ['credential', 'credentials_ref'],
  ['credentials', 'credentials_ref'],
  ['model_name', 'model'],
  ['settings', 'params'],
  ['cache', 'response_cache'],
  ['pricing', 'price'],
  ['prices', 'price'],
]);

/** Shorter names are too like each other. */
const LENGTH_MIN = 4;

/** The known field that a misspelt one is meant for: another writing of it, or one or two letters off. */
export function meantBy(field: string, known: readonly string[]): string | undefined {
  const name = snake(field);
  if (known.includes(name)) return name;
  const elsewhere = ELSEWHERE.get(name);
  if (elsewhere !== undefined) return elsewhere;
  if (name.length < LENGTH_MIN) return undefined;
  return known.find((each) => distance(name, each) <= (each.length < 8 ? 1 : 2));
}

/** `timeoutMs` and `timeout-ms` as `timeout_ms`. */
function snake(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** How many letters are wrong, missing, too many or exchanged with the next (Damerau's distance). */
function distance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, at) => at)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1;
      const swapped =
        i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const costs = [at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + same];
      row.push(Math.min(...costs, swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY));
    }
    rows.push(row);
  }
  return at(left.length, right.length);
}
