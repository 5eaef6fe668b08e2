import { isPlainObject } from '../base/values.js';

/**
 * The first part of every path that an expression reads from its context:
 * `score` of `"$score.value"` and of `"$$ROOT.score"`. In order of appearance,
 * each once.
 */
export function referencedNames(expression: unknown): readonly string[] {
  const names = new Set<string>();
  collect(expression, names);
  return [...names];
}

function collect(expression: unknown, names: Set<string>): void {
  if (typeof expression === 'string') {
    const name = /^\$(?:\$(?:ROOT|CURRENT)\.)?([^$.][^.]*)/.exec(expression)?.[1];
    if (name !== undefined) names.add(name);
  } else if (Array.isArray(expression)) {
    for (const item of expression) collect(item, names);
  } else if (isPlainObject(expression)) {
    collectFromObject(expression, names);
  }
}

function collectFromObject(object: Record<string, unknown>, names: Set<string>): void {
  for (const [key, value] of Object.entries(object)) {
    if (key === '$literal') continue;
    if (key === '$getField') addField(value, names);
    collect(value, names);
  }
}

/** `$getField` names a field of the context without a `$`, unless it has an input of its own. */
function addField(operand: unknown, names: Set<string>): void {
  if (typeof operand === 'string' && !operand.startsWith('$')) names.add(operand);
  else if (isPlainObject(operand) && typeof operand.field === 'string' && !('input' in operand)) {
    names.add(operand.field);
  }
}
