import { isPlainObject } from '../../base/values.js';
import type {
  ModelRequest,
  ModelResponse,
  ModelSettings,
  Provider,
  ProviderCall,
} from '../contract.js';
import { type Answer, responseError } from '../read-answer.js';
import type { Post, Transport } from '../transport.js';
import { answerFacts, readTokens } from './answer-facts.js';

const ENDPOINT_DEFAULT = 'https://api.anthropic.com/v1/messages';
/** The version of the API that the mapping was written for. */
const VERSION = '2023-06-01';
/** The API requires `max_tokens`; every model that it serves can write this many. */
const MAX_TOKENS_DEFAULT = 4_096;

/**
 * Anthropic's messages API (https://docs.anthropic.com/en/api/messages). System
 * messages are lifted out of the list, `stop` becomes `stop_sequences`, and
 * `seed`, which the API refuses, is left out and named in `extra.ignored_settings`.
 */
export function createAnthropic(transport: Transport): Provider {
  return {
    name: 'anthropic',
    async generate(call) {
      return readAnswer(await transport(postOf(call), call), call);
    },
  };
}

function postOf(call: ProviderCall): Post {
  return {
    url: endpointOf(call),
    headers: { 'anthropic-version': VERSION },
    auth: call.secret === undefined ? {} : { 'x-api-key': call.secret },
    body: bodyOf(call.request),
  };
}

/** A bare host gets `/v1/messages` appended, a base URL such as `http://host/v1` gets `/messages`. */
function endpointOf({ integration }: ProviderCall): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  const path = url.pathname.replace(/\/+$/, '');
  if (path === '') url.pathname = '/v1/messages';
  else url.pathname = path.endsWith('/messages') ? path : `${path}/messages`;
  return url;
}

function bodyOf(request: ModelRequest): unknown {
  const { stop, seed: _, max_tokens = MAX_TOKENS_DEFAULT, ...others } = request.settings;
  const system = request.messages.filter(({ role }) => role === 'system');
  const turns = request.messages.filter(({ role }) => role !== 'system');
  return {
    ...others,
    stream: undefined,
    model: request.model,
    max_tokens,
    stop_sequences: stop,
    system: system.length === 0 ? others.system : system.map(({ content }) => content).join('\n\n'),
    messages: turns.map(({ role, content }) => ({ role, content })),
  };
}

function readAnswer(answer: Answer, call: ProviderCall): ModelResponse {
  const { content, model, stop_reason, usage } = answer.body;
  if (!Array.isArray(content)) {
    throw responseError(`${call.integration._id}: expected content in the answer, got none`);
  }
  return {
    text: content.map(blockText).join(''),
    model: typeof model === 'string' ? model : call.request.model,
    finish: FINISH.get(stop_reason) ?? 'other',
    usage: readTokens(usage, 'input_tokens', 'output_tokens'),
    extra: { ...answerFacts(answer), ...ignored(call.request.settings) },
  };
}

/** Blocks of other types (thinking, tool use) hold no text of the answer. */
function blockText(block: unknown): string {
  const isText = isPlainObject(block) && block.type === 'text' && typeof block.text === 'string';
  return isText ? (block.text as string) : '';
}

function ignored(settings: ModelSettings): { ignored_settings?: string[] } {
  return settings.seed === undefined ? {} : { ignored_settings: ['seed'] };
}

/** https://docs.anthropic.com/en/api/handling-stop-reasons */
const FINISH = new Map<unknown, ModelResponse['finish']>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool'],
  ['refusal', 'filter'],
]);
