import { isPlainObject } from '../../../base/values.js';
import { textOf } from '../../content.js';
import type { ModelMessage, ModelRequest, ModelResponse, ProviderCall } from '../../contract.js';
import type { Answer } from '../../transport/read-answer.js';
import { answerFacts } from '../answer-facts.js';
import { finishOf, lacks, usageOf } from './facts.js';

/** The body of a legacy completion. */
export function completionBody(request: ModelRequest): unknown {
  return {
    ...request.settings,
    stream: undefined,
    model: request.model,
    prompt: promptOf(request.messages),
  };
}

/** @throws {JdbxError} MODEL_RESPONSE naming what is missing */
export function readCompletion(answer: Answer, call: ProviderCall): ModelResponse {
  const { choices, model, usage } = answer.body;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isPlainObject(choice)) throw lacks(call, 'choices.0');
  if (typeof choice.text !== 'string') throw lacks(call, 'choices.0.text');
  return {
    text: choice.text,
    model: typeof model === 'string' ? model : call.request.model,
    finish: finishOf(choice.finish_reason),
    usage: usageOf(usage),
    extra: answerFacts(answer),
  };
}

/** One text for an API without roles. Speakers are named only where there are two of them. */
function promptOf(messages: readonly ModelMessage[]): string {
  const dialogue = messages.some(({ role }) => role === 'assistant');
  if (!dialogue) return messages.map(({ content }) => textOf(content)).join('\n\n');
  const label = { system: '', user: 'User: ', assistant: 'Assistant: ', tool: 'Tool: ' };
  const turns = messages.map(({ role, content }) => `${label[role]}${textOf(content)}`);
  return [...turns, 'Assistant:'].join('\n\n');
}
