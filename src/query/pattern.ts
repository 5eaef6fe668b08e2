import { JdbxError } from '../base/errors.js';
import { describeType } from '../base/values.js';

const PATTERN_LENGTH_MAX = 16_384;

/**
 * A fresh regular expression without state, from a `RegExp` or text and
 * `$options` (`i`, `m`, `s`, `u`, `x`). JavaScript's syntax, with a leading `(?i)`
 * group of flags understood as MongoDB has it.
 *
 * @throws {JdbxError} INVALID_FILTER
 */
export function readPattern(source: unknown, options?: unknown, path = ''): RegExp {
  if (options !== undefined && typeof options !== 'string') {
    refuse(path, `expected $options as text, got ${describeType(options)}`);
  }
  if (source instanceof RegExp) {
    const own = source.flags.replace(/[gyd]/g, '');
    if (options !== undefined && own !== '') refuse(path, 'expected options in one place, got two');
    return build(source.source, options ?? own, path);
  }
  if (typeof source !== 'string') {
    refuse(path, `expected text or a regular expression, got ${describeType(source)}`);
  }
  return build(source, options ?? '', path);
}

function build(source: string, options: string, path: string): RegExp {
  if (source.length > PATTERN_LENGTH_MAX)
    refuse(path, `expected at most ${PATTERN_LENGTH_MAX} characters`);
  if (source.includes('\0')) refuse(path, 'expected a pattern without null characters');
  const inline = /^\(\?([imsx]+)\)/.exec(source);
  const flags = new Set(options + (inline?.[1] ?? ''));
  for (const flag of flags) if (!'imsux'.includes(flag)) refuse(path, `unknown option "${flag}"`);
  const text = inline ? source.slice(inline[0].length) : source;
  try {
    return new RegExp(flags.delete('x') ? withoutSpace(text) : text, [...flags].join(''));
  } catch (cause) {
    throw new JdbxError('INVALID_FILTER', (cause as Error).message, { path, cause });
  }
}

/** The `x` option: space and comments outside brackets and escapes do not count. */
function withoutSpace(source: string): string {
  return source.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]])*\]|\s+|#[^\n]*/g, (part) =>
    part[0] === '\\' || part[0] === '[' ? part : '',
  );
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_FILTER', text, { path });
}
