import { JdbxError } from '../../base/errors.js';
import { stringifyValue } from '../../base/extended-json.js';
import { isPlainObject, type Value } from '../../base/values.js';

/**
 * Replaces `{name}` and `{name.path}` for the names in `variables` and leaves every
 * other brace alone. Text goes in as it is, any other value as JSON.
 *
 * @throws {JdbxError} MISSING_VARIABLE: a missing value is an error, not an empty string
 */
export function renderTemplate(
  template: string,
  variables: readonly string[],
  lookup: (name: string) => Value | undefined,
): string {
  const names = new Set(variables);
  return template.replace(PLACEHOLDER, (whole, path: string) => {
    const [name = '', ...rest] = path.split('.');
    if (!names.has(name)) return whole;
    const value = rest.reduce(step, lookup(name));
    if (value === undefined || value === null) {
      throw new JdbxError('MISSING_VARIABLE', `expected a value for {${path}}`, { path });
    }
    return typeof value === 'string' ? value : stringifyValue(value);
  });
}

const PLACEHOLDER = /\{([\p{L}\p{N}_$-]+(?:\.[\p{L}\p{N}_$-]+)*)\}/gu;

function step(value: Value | undefined, part: string): Value | undefined {
  if (Array.isArray(value)) return value[Number(part)] as Value | undefined;
  return isPlainObject(value) && Object.hasOwn(value, part) ? (value[part] as Value) : undefined;
}
