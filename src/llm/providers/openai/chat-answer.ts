import { isPlainObject, type Value, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type { ModelResponse, ProviderCall, ToolCall } from '../../contract.js';
import type { Answer } from '../../transport/read-answer.js';
import { answerFacts } from '../answer-facts.js';
import { keptOf, scopeOfHost, type Told } from '../reasoning-kept.js';
import { ChatReasoning } from './chat-reasoning.js';
import { type Chunk, chunksIn, thinkingChunk } from './content-chunks.js';
import { finishOf, lacks, usageOf } from './facts.js';

/** @throws {JdbxError} MODEL_RESPONSE naming what is missing */
export function readChatAnswer(answer: Answer, call: ProviderCall): ModelResponse {
  const { choices, model, usage } = answer.body;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isPlainObject(choice)) throw lacks(call, 'choices.0');
  const reply = readMessage(choice, call);
  const { text, finish, reasoning, tool_calls, reasoning_parts, extra } = reply;
  const facts = answerFacts(answer);
  // What is undefined is left out when it is taken.
  return {
    text,
    reasoning,
    tool_calls,
    reasoning_parts,
    finish,
    model: typeof model === 'string' ? model : call.request.model,
    usage: usageOf(usage),
    extra: extra === undefined ? facts : { ...facts, ...extra },
  };
}

type Reply = Pick<
  ModelResponse,
  'text' | 'finish' | 'reasoning' | 'tool_calls' | 'reasoning_parts'
> & {
  readonly extra?: ValueObject;
};

/** `content` is null beside tool calls and refusals, and where all tokens went into reasoning. */
function readMessage(choice: Record<string, unknown>, call: ProviderCall): Reply {
  const { message, finish_reason } = choice;
  if (!isPlainObject(message)) throw lacks(call, 'choices.0.message');
  const { content = null, refusal, tool_calls } = message;
  if (typeof content === 'string' && content !== '' && !Array.isArray(tool_calls)) {
    return { text: content, reasoning: toldOf(message), finish: finishOf(finish_reason) };
  }
  const chunks = chunksIn(content as Value);
  if (chunks === undefined) throw lacks(call, 'choices.0.message.content');
  const text = chunks.map((chunk) => chunk.text ?? '').join('');
  if (typeof refusal === 'string' && text === '') {
    return { text, finish: 'filter', extra: { refusal } };
  }
  if (content === null && typeof finish_reason !== 'string') {
    throw lacks(call, 'choices.0.message.content');
  }
  const calls = readCalls(tool_calls, call);
  const references = referencesIn(chunks);
  return {
    text,
    ...reasoningIn(message, chunks),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...keptOf(scopeOf(call), piecesOf(message, chunks), (piece) => piece),
    finish: finishOf(finish_reason),
    ...(references.length === 0 ? {} : { extra: { references } }),
  };
}

export const scopeOf = (call: ProviderCall) => scopeOfHost(call.integration.provider ?? '', call);

/** What wants to go back: thinking among the content, marks of calls, and fields beside calls. */
function piecesOf(message: Record<string, unknown>, chunks: readonly Chunk[]): Told[] {
  const said = chunks.map(({ text = '', thought }) => ({
    characters: text.length,
    data: thought === undefined ? undefined : thinkingChunk(thought),
  }));
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isPlainObject) : [];
  const made = calls.map((one): Told => ({ calls: 1, data: markIn(one), marks: 'call' }));
  const reasoning = new ChatReasoning();
  reasoning.take(message);
  return [...said, ...made, ...(made.length === 0 ? [] : [{ data: reasoning.data }])];
}

/**
 * What Google's compatible endpoint wants back on the very call
 * (https://ai.google.dev/gemini-api/docs/thought-signatures#openai).
 */
export function markIn({ extra_content: content }: Record<string, unknown>) {
  return isPlainObject(content) ? { extra_content: content as ValueObject } : undefined;
}

/** Each list of references, with the character behind the text that cites them. */
export function referencesIn(chunks: readonly Chunk[], from = 0): ValueObject[] {
  let at = from;
  return chunks.flatMap(({ text = '', references }) => {
    at += text.length;
    return references === undefined ? [] : [{ at, reference_ids: references }];
  });
}

function reasoningIn(message: Record<string, unknown>, chunks: readonly Chunk[]) {
  const thought = chunks.map((chunk) => chunk.thought ?? '').join('');
  return thought === '' ? reasoningOf(message) : { reasoning: thought };
}

function readCalls(list: unknown, call: ProviderCall): ToolCall[] {
  if (!Array.isArray(list)) return [];
  return list.map((item, index) => {
    const made = isPlainObject(item) && isPlainObject(item.function) ? item.function : {};
    if (typeof made.name !== 'string') throw lacks(call, `tool_calls.${index}.function.name`);
    const id = isPlainObject(item) && typeof item.id === 'string' ? item.id : `call_${index}`;
    const json = typeof made.arguments === 'string' ? made.arguments : jsonOf(made.arguments);
    return readToolCall({ id, name: made.name, json });
  });
}

/** Some compatible servers give the arguments as an object instead of as text. */
function jsonOf(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** vLLM, DeepSeek and OpenRouter show the model's thinking under these names. */
export function reasoningOf(message: Record<string, unknown>): { reasoning?: string } {
  const reasoning = toldOf(message);
  return reasoning === undefined ? {} : { reasoning };
}

function toldOf(message: Record<string, unknown>): string | undefined {
  const told = message.reasoning_content ?? message.reasoning;
  return typeof told === 'string' && told !== '' ? told : undefined;
}
