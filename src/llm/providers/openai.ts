import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type {
  ModelMessage,
  ModelRequest,
  ModelResponse,
  Provider,
  ProviderCall,
} from '../contract.js';
import { type Answer, responseError } from '../read-answer.js';
import type { Post, Transport } from '../transport.js';
import { answerFacts, readTokens } from './answer-facts.js';

const ENDPOINT_DEFAULT = 'https://api.openai.com/v1/chat/completions';

/**
 * Any endpoint that speaks OpenAI's chat completions
 * (https://platform.openai.com/docs/api-reference/chat), or, when the
 * endpoint's path ends in `/completions` alone, the legacy completions
 * (https://platform.openai.com/docs/api-reference/completions).
 */
export function createOpenAI(transport: Transport): Provider {
  return {
    name: 'openai',
    async generate(call) {
      const url = endpointOf(call);
      const legacy = isLegacy(url);
      const body = legacy ? legacyBody(call.request) : chatBody(call.request);
      const answer = await transport(postOf(call, url, body), call);
      return readAnswer(answer, call, legacy ? readText : readMessage);
    },
  };
}

/** A base URL such as `http://host/v1` gets `/chat/completions` appended; a query stays. */
function endpointOf({ integration }: ProviderCall): URL {
  const url = new URL(integration.endpoint ?? ENDPOINT_DEFAULT);
  url.pathname = url.pathname.replace(/\/+$/, '');
  if (!url.pathname.endsWith('/completions')) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`;
  }
  return url;
}

function isLegacy(url: URL): boolean {
  return !url.pathname.endsWith('/chat/completions');
}

function postOf(call: ProviderCall, url: URL, body: unknown): Post {
  const auth = call.secret === undefined ? {} : { authorization: `Bearer ${call.secret}` };
  return { url, headers: {}, auth, body };
}

/** Settings go over under the names that documents use, which are OpenAI's own. */
function chatBody(request: ModelRequest): unknown {
  return {
    ...request.settings,
    stream: undefined,
    model: request.model,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
  };
}

function legacyBody(request: ModelRequest): unknown {
  return {
    ...request.settings,
    stream: undefined,
    model: request.model,
    prompt: promptOf(request.messages),
  };
}

/** One text for an API without roles. Speakers are named only where there are two of them. */
function promptOf(messages: readonly ModelMessage[]): string {
  const dialogue = messages.some(({ role }) => role === 'assistant');
  if (!dialogue) return messages.map(({ content }) => content).join('\n\n');
  const label = { system: '', user: 'User: ', assistant: 'Assistant: ' };
  const turns = messages.map(({ role, content }) => `${label[role]}${content}`);
  return [...turns, 'Assistant:'].join('\n\n');
}

type Reply = Pick<ModelResponse, 'text' | 'finish'> & { readonly extra?: ValueObject };
type ReadChoice = (choice: Record<string, unknown>, call: ProviderCall) => Reply;

function readAnswer(answer: Answer, call: ProviderCall, readChoice: ReadChoice): ModelResponse {
  const { choices, model, usage } = answer.body;
  const choice = Array.isArray(choices) ? choices[0] : undefined;
  if (!isPlainObject(choice)) throw lacks(call, 'choices.0');
  const { text, finish, extra } = readChoice(choice, call);
  return {
    text,
    model: typeof model === 'string' ? model : call.request.model,
    finish,
    usage: readTokens(usage, 'prompt_tokens', 'completion_tokens'),
    extra: { ...answerFacts(answer), ...extra },
  };
}

/** `content` is null beside tool calls and refusals, and where all tokens went into reasoning. */
const readMessage: ReadChoice = ({ message, finish_reason }, call) => {
  if (!isPlainObject(message)) throw lacks(call, 'choices.0.message');
  const { content = null, refusal } = message;
  const text = content === null ? '' : contentText(content as Value);
  if (text === undefined) throw lacks(call, 'choices.0.message.content');
  if (typeof refusal === 'string' && text === '') {
    return { text, finish: 'filter', extra: { refusal } };
  }
  if (content === null && typeof finish_reason !== 'string') {
    throw lacks(call, 'choices.0.message.content');
  }
  return { text, finish: finishOf(finish_reason) };
};

const readText: ReadChoice = ({ text, finish_reason }, call) => {
  if (typeof text !== 'string') throw lacks(call, 'choices.0.text');
  return { text, finish: finishOf(finish_reason) };
};

/** A string, or the list of parts that some compatible servers answer with. */
function contentText(content: Value): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content.map((part) => (isPlainObject(part) ? (part.text ?? '') : '')).join('');
}

const FINISH = new Map<unknown, ModelResponse['finish']>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool'],
  ['function_call', 'tool'],
  ['content_filter', 'filter'],
]);

function finishOf(reason: unknown): ModelResponse['finish'] {
  return FINISH.get(reason) ?? 'other';
}

function lacks(call: ProviderCall, path: string) {
  return responseError(`${call.integration._id}: expected ${path} in the answer, got none`);
}
