import { isPlainObject, type ValueObject } from '../../base/values.js';

/**
 * Which models a price is for, by their names in any case: one of `equals`, `starts_with`,
 * `ends_with`, `contains`, `dated` (the name, `-` and a day), `without`, or `and` and `or` of such.
 */
export type ModelMatch = ValueObject;

const TESTS: Readonly<Record<string, (model: string, text: string) => boolean>> = {
  equals: (model, text) => model === text,
  starts_with: (model, text) => model.startsWith(text),
  ends_with: (model, text) => model.endsWith(text),
  contains: (model, text) => model.includes(text),
  without: (model, text) => !model.includes(text),
  dated: (model, text) => undated(model) === text && model !== text,
};

/** The name without the day that it was made. */
export function undated(model: string): string {
  return model.replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, '');
}

/** A rule that nobody here knows matches nothing. */
export function matchesModel(match: unknown, model: string): boolean {
  if (!isPlainObject(match)) return false;
  const name = model.toLowerCase();
  if (Array.isArray(match.or)) return match.or.some((one) => matchesModel(one, name));
  if (Array.isArray(match.and)) return match.and.every((one) => matchesModel(one, name));
  const [kind = '', text] = Object.entries(match)[0] ?? [];
  return typeof text === 'string' && TESTS[kind]?.(name, text.toLowerCase()) === true;
}
