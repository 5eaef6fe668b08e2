import { type ImportOptions, TEXT_FORMATS } from './contract.js';

/** @throws {TypeError} for an option that is misspelled or has no such value */
export function readImportOptions(options: ImportOptions): ImportOptions {
  oneOf(options.format, TEXT_FORMATS, 'format');
  oneOf(options.mode, ['put', 'insert'], 'mode');
  oneOf(options.types, ['infer', 'text'], 'types');
  text(options.type, 'type');
  text(options.id, 'id');
  text(options.delimiter, 'delimiter');
  if ((options.delimiter ?? ',').length !== 1 || '"\r\n'.includes(options.delimiter ?? ',')) {
    throw new TypeError('import: expected one character as the delimiter, not a quote');
  }
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown) throw new TypeError(`import: expected one of ${[...KNOWN]}, got ${unknown}`);
  return { ...options };
}

const KNOWN = new Set<string>([
  'format',
  'type',
  'id',
  'mode',
  'types',
  'delimiter',
  'checkRev',
  'atomic',
  'onProgress',
  'signal',
] satisfies (keyof ImportOptions)[]);

/** @throws {TypeError} */
export function oneOf(value: unknown, known: readonly string[], name: string): void {
  if (value === undefined || known.some((each) => each === value)) return;
  throw new TypeError(`${name}: expected one of ${known.join(', ')}, got ${String(value)}`);
}

function text(value: unknown, name: string): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  throw new TypeError(`${name}: expected text that is not empty, got ${String(value)}`);
}
