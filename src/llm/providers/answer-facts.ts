import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelUsage } from '../contract.js';
import { FIGURES } from '../prices/figures.js';
import type { Answer } from '../transport/read-answer.js';

/**
 * What an HTTP provider's response keeps in `extra`: its names for the answer
 * and the request, and the usage as reported.
 */
export function answerFacts({ body, requestId }: Answer): ValueObject {
  const facts: { [name: string]: Value } = {};
  if (typeof body.id === 'string') facts.id = body.id;
  if (requestId !== undefined) facts.request_id = requestId;
  if (isPlainObject(body.usage)) facts.usage = body.usage as ValueObject;
  return facts;
}

/** Token counts under the names that a provider uses; what is no count is left out. */
export function readTokens(usage: unknown, input: string, output: string): ModelUsage {
  const told: Counts = {};
  if (!isPlainObject(usage)) return told;
  const [asked, answered] = [usage[input], usage[output]];
  if (isCount(asked)) told.input_tokens = asked;
  if (isCount(answered)) told.output_tokens = answered;
  return told;
}

type Counts = { -readonly [name in keyof ModelUsage]: ModelUsage[name] };

/** Those of the counts that are more than none. */
export function countsOf(counts: { readonly [name in keyof ModelUsage]: unknown }): ModelUsage {
  const told: Counts = {};
  for (const name of Object.keys(counts) as (keyof ModelUsage)[]) {
    const count = counts[name];
    if (isCount(count) && count > 0) told[name] = count;
  }
  return told;
}

/** A count among the details of another one. */
export function detailIn(details: unknown, name: string): unknown {
  return isPlainObject(details) ? details[name] : undefined;
}

/** Counts under the names of the neutral contract; what is no count is left out. */
export function neutralUsage(usage: unknown): ModelUsage {
  if (!isPlainObject(usage)) return {};
  return Object.fromEntries(
    FIGURES.flatMap(({ usage: name }) => (isCount(usage[name]) ? [[name, usage[name]]] : [])),
  );
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
