/** What an API wants back of its reasoning, found in an answer, whole or in pieces. */
import type { ValueObject } from '../../base/values.js';
import type { ModelResponse, ProviderCall, ReasoningPart } from '../contract.js';

/** What one piece of an answer is: text, calls, reasoning to be kept, or some of these. */
export interface Told {
  readonly characters?: number;
  readonly calls?: number;
  readonly data?: ValueObject | undefined;
  readonly marks?: ReasoningPart['marks'];
}

/** The reasoning to be kept of a whole answer, each part with its place in it. */
export function keptOf<T>(
  scope: string,
  pieces: readonly T[],
  tell: (piece: T) => Told,
): Pick<ModelResponse, 'reasoning_parts'> {
  const parts: ReasoningPart[] = [];
  let [text, made] = [0, 0];
  for (const { characters = 0, calls = 0, data, marks } of pieces.map(tell)) {
    const after = { text, calls: made };
    if (data) parts.push({ scope, after, data, ...(marks === undefined ? {} : { marks }) });
    text += characters;
    made += calls;
  }
  return parts.length === 0 ? {} : { reasoning_parts: parts };
}

/** Kept for all that ask one host: what one wrote, another that speaks the same API may refuse. */
export function scopeOfHost(api: string, { integration }: ProviderCall): string {
  const { endpoint } = integration;
  return endpoint === undefined ? api : `${api}@${new URL(endpoint).host}`;
}

/** Kept for one model behind one key, which others cannot open. */
export function scopeOfKey(api: string, { integration, request }: ProviderCall): string {
  return `${api}@${integration._id}/${request.model}`;
}
