import { isPlainObject, type Value, type ValueObject } from '../../../base/values.js';

/** One chunk of a message's content: text, thinking, or references that the text before it cites. */
export interface Chunk {
  readonly text?: string;
  readonly thought?: string;
  readonly references?: Value;
}

/**
 * The content of a message: a string, or the list of chunks that Mistral's models answer with
 * (https://docs.mistral.ai/capabilities/reasoning/ and /capabilities/citations/), and some
 * compatible servers too. Chunks of other types hold nothing of the answer.
 *
 * @returns undefined for what is neither
 */
export function chunksIn(content: Value | undefined): readonly Chunk[] | undefined {
  if (content === null || content === undefined || content === '') return [];
  if (typeof content === 'string') return [{ text: content }];
  return Array.isArray(content) ? content.filter(isPlainObject).map(toChunk) : undefined;
}

function toChunk(chunk: Record<string, unknown>): Chunk {
  const { type, text, thinking, reference_ids } = chunk as ValueObject;
  if (type === 'thinking') return { thought: thoughtIn(thinking) };
  if (type === 'reference' && reference_ids !== undefined) return { references: reference_ids };
  return typeof text === 'string' ? { text } : {};
}

function thoughtIn(thinking: Value | undefined): string {
  if (typeof thinking === 'string') return thinking;
  return (chunksIn(thinking) ?? []).map(({ text = '' }) => text).join('');
}

/** Thinking as it goes back. */
export function thinkingChunk(thought: string): ValueObject {
  return { type: 'thinking', thinking: [{ type: 'text', text: thought }] };
}
