import { isPlainObject } from '../../base/values.js';
import { describe, refuse, type Scope } from '../expressions/operator.js';
import { REDACT_WORDS } from '../expressions/scope.js';
import type { Stage } from './stage.js';

/** Decides level by level what of a document may be seen. */
export const redact: Stage = {
  check: () => {},
  run: function* (documents, operand: unknown, context) {
    for (const document of documents) {
      const seen = level(document, operand, context.scope(document));
      if (seen !== undefined) yield seen;
    }
  },
};

function level(value: unknown, expression: unknown, scope: Scope): unknown {
  const decision = scope.with({ CURRENT: value }).value(expression);
  switch (decision) {
    case REDACT_WORDS.$$KEEP:
      return value;
    case REDACT_WORDS.$$PRUNE:
      return undefined;
    case REDACT_WORDS.$$DESCEND:
      return descend(value, (inner) => level(inner, expression, scope));
    default:
      return refuse('$redact', '$$KEEP, $$PRUNE or $$DESCEND', describe(decision));
  }
}

/** Into objects, and objects inside arrays; what is neither stays. */
function descend(value: unknown, look: (inner: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .map((item) =>
        isPlainObject(item) ? look(item) : Array.isArray(item) ? descend(item, look) : item,
      )
      .filter((item) => item !== undefined);
  }
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value as object)) {
    const seen = isPlainObject(item)
      ? look(item)
      : Array.isArray(item)
        ? descend(item, look)
        : item;
    if (seen !== undefined) out[key] = seen;
  }
  return out;
}
