import { partsOf } from '../content.js';
import type { ModelMessage, ModelRequest } from '../contract.js';
import { byParts } from './token-parts.js';
import { byPieces } from './token-pieces.js';

/** Counts the tokens of a text. */
export type CountTokens = (text: string) => number;

/**
 * Bytes of UTF-8 for one token, for texts in any language: about four letters of
 * English are a token, and so is about one character of Chinese, which has three bytes.
 */
const BYTES_PER_TOKEN = 3.5;
/** What an image or a file is counted as, where the provider alone knows better. */
const MEDIA_TOKENS = 1_500;
/** What the frame of a message adds (https://github.com/openai/openai-cookbook, "How to count tokens"). */
const MESSAGE_TOKENS = 4;

/** An estimate from the length alone; errs on the high side for prose. */
export const estimateTokens: CountTokens = (text) =>
  Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

/**
 * The tokenizer of OpenAI's newer models, where the optional package `gpt-tokenizer` is
 * installed, else the estimate. For other providers it is an estimate as well, a better one.
 */
export function loadTokenCounter(): Promise<CountTokens> {
  loading ??= importTokenizer().then((count) => {
    loaded = count;
    return count;
  });
  return loading;
}

/** The same at once, where it was loaded before. */
export function tokenCounter(): CountTokens | undefined {
  return loaded;
}

let loading: Promise<CountTokens> | undefined;
let loaded: CountTokens | undefined;

async function importTokenizer(): Promise<CountTokens> {
  try {
    const { countTokens } = await import('gpt-tokenizer');
    // What reads like a token of the model's own control is text here like any other.
    const plainly = { disallowedSpecial: new Set<string>() };
    return byParts(byPieces((text) => countTokens(text, plainly)));
  } catch {
    return estimateTokens;
  }
}

/** What the request comes to as input, before a provider has counted it. */
export function inputTokens(request: ModelRequest, count: CountTokens): number {
  const said = request.messages.reduce((sum, message) => sum + messageTokens(message, count), 0);
  const asked = [request.tools, request.response_schema].filter((part) => part !== undefined);
  return said + asked.reduce((sum: number, part) => sum + count(JSON.stringify(part)), 0);
}

function messageTokens(message: ModelMessage, count: CountTokens): number {
  const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
  const parts = partsOf(message.content).map((part) =>
    part.type === 'text' ? count(part.text) : MEDIA_TOKENS,
  );
  const made = calls.map((call) => count(JSON.stringify(call)));
  const thought = message.role === 'assistant' ? (message.reasoning_parts ?? []) : [];
  // Sealed reasoning is no text; a tokenizer would take its time and know no better.
  const kept = thought.map(({ data }) => estimateTokens(JSON.stringify(data)));
  return [...parts, ...made, ...kept].reduce((sum, tokens) => sum + tokens, MESSAGE_TOKENS);
}
