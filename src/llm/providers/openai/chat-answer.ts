import { isPlainObject, type Value, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type { ModelResponse, ProviderCall, ToolCall } from '../../contract.js';
import type { Answer } from '../../transport/read-answer.js';
import { answerFacts } from '../answer-facts.js';
import { finishOf, lacks, usageOf } from './facts.js';

/** @throws {JdbxError} MODEL_RESPONSE naming what is missing */
export function readChatAnswer(answer: Answer, call: ProviderCall): ModelResponse {
  const { choices, model, usage } = answer.body;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isPlainObject(choice)) throw lacks(call, 'choices.0');
  const { extra, ...reply } = readMessage(choice, call);
  return {
    ...reply,
    model: typeof model === 'string' ? model : call.request.model,
    usage: usageOf(usage),
    extra: { ...answerFacts(answer), ...extra },
  };
}

type Reply = Pick<ModelResponse, 'text' | 'finish' | 'reasoning' | 'tool_calls'> & {
  readonly extra?: ValueObject;
};

/** `content` is null beside tool calls and refusals, and where all tokens went into reasoning. */
function readMessage(choice: Record<string, unknown>, call: ProviderCall): Reply {
  const { message, finish_reason } = choice;
  if (!isPlainObject(message)) throw lacks(call, 'choices.0.message');
  const { content = null, refusal, tool_calls } = message;
  const text = content === null ? '' : contentText(content as Value);
  if (text === undefined) throw lacks(call, 'choices.0.message.content');
  if (typeof refusal === 'string' && text === '') {
    return { text, finish: 'filter', extra: { refusal } };
  }
  if (content === null && typeof finish_reason !== 'string') {
    throw lacks(call, 'choices.0.message.content');
  }
  const calls = readCalls(tool_calls, call);
  return {
    text,
    ...reasoningOf(message),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    finish: finishOf(finish_reason),
  };
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
  const told = message.reasoning_content ?? message.reasoning;
  return typeof told === 'string' && told !== '' ? { reasoning: told } : {};
}

/** A string, or the list of parts that some compatible servers answer with. */
function contentText(content: Value): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content.map((part) => (isPlainObject(part) ? (part.text ?? '') : '')).join('');
}
