import { isPlainObject, type ValueObject } from '../../../base/values.js';
import { readToolCall } from '../../answer-builder.js';
import type { Finish, ModelResponse, ModelUsage, ProviderCall } from '../../contract.js';
import { type Answer, responseError } from '../../transport/read-answer.js';
import { countsOf, isCount } from '../answer-facts.js';
import { keptOf, scopeOfHost, type Told } from '../reasoning-kept.js';

/** @throws {JdbxError} MODEL_RESPONSE when there is neither a candidate nor a reason for none */
export function readGenerated(answer: Answer, call: ProviderCall): ModelResponse {
  const { body, requestId } = answer;
  const candidate = firstCandidate(body);
  const blocked = blockReason(body);
  if (!candidate && blocked === undefined) {
    throw responseError(`${call.integration._id}: expected candidates in the answer, got none`);
  }
  const parts = partsIn(candidate);
  const calls = parts.filter(isCall).map(({ functionCall }, index) => toCall(functionCall, index));
  const reasoning = joinedText(parts, true);
  return {
    text: joinedText(parts, false),
    model: modelIn(body) ?? call.request.model,
    finish: blocked === undefined ? finishOf(candidate?.finishReason, calls.length > 0) : 'filter',
    usage: usageOf(body.usageMetadata),
    ...(reasoning === '' ? {} : { reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(readToolCall) }),
    ...keptOf(scopeOf(call), parts, tell),
    extra: { ...factsOf(body), ...(requestId === undefined ? {} : { request_id: requestId }) },
  };
}

export const scopeOf = (call: ProviderCall) => scopeOfHost('gemini', call);

/**
 * A signature may stand on any part, and goes back on that very one; parts with and without
 * are never joined (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
export function tell(part: Record<string, unknown>): Told {
  const { thoughtSignature: signature, text, thought } = part;
  const data = typeof signature === 'string' ? { thoughtSignature: signature } : undefined;
  if (isCall(part)) return { calls: 1, data, marks: 'call' };
  if (thought === true) return { data: data && (part as ValueObject) };
  const characters = typeof text === 'string' ? text.length : 0;
  return { characters, data, marks: characters };
}

export function firstCandidate({ candidates }: ValueObject): Record<string, unknown> | undefined {
  const first: unknown = Array.isArray(candidates) ? candidates[0] : undefined;
  return isPlainObject(first) ? first : undefined;
}

export function partsIn(candidate: Record<string, unknown> | undefined): Record<string, unknown>[] {
  const content = candidate?.content;
  const parts = isPlainObject(content) && Array.isArray(content.parts) ? content.parts : [];
  return parts.filter(isPlainObject);
}

interface FunctionCall {
  readonly id?: unknown;
  readonly name: string;
  readonly args?: unknown;
}

export function isCall(
  part: Record<string, unknown>,
): part is { readonly functionCall: FunctionCall } {
  const made = part.functionCall;
  return isPlainObject(made) && typeof made.name === 'string';
}

/** A call with its arguments as text. @param index its place among the answer's calls */
export function toCall({ id, name, args = {} }: FunctionCall, index: number) {
  const json = JSON.stringify(args ?? {});
  return { id: typeof id === 'string' && id !== '' ? id : `${OWN_ID}${index}`, name, json };
}

/** What the ids begin with that calls get here where the API gives none. */
const OWN_ID = 'call_';

/** The id as the API gave it; absent where it gave none, and would not know ours. */
export function givenId(id: string): { readonly id?: string } {
  return id.startsWith(OWN_ID) ? {} : { id };
}

function joinedText(parts: readonly Record<string, unknown>[], thought: boolean): string {
  const ours = parts.filter((part) => (part.thought === true) === thought);
  return ours.map(({ text }) => (typeof text === 'string' ? text : '')).join('');
}

/** https://ai.google.dev/api/generate-content#BlockReason */
export function blockReason({ promptFeedback }: ValueObject): string | undefined {
  const reason = isPlainObject(promptFeedback) ? promptFeedback.blockReason : undefined;
  return typeof reason === 'string' ? reason : undefined;
}

export function modelIn({ modelVersion }: ValueObject): string | undefined {
  return typeof modelVersion === 'string' ? modelVersion : undefined;
}

export function factsOf({ responseId, usageMetadata, promptFeedback }: ValueObject): ValueObject {
  return {
    ...(typeof responseId === 'string' ? { id: responseId } : {}),
    ...(isPlainObject(usageMetadata) ? { usage: usageMetadata as ValueObject } : {}),
    ...(isPlainObject(promptFeedback) ? { prompt_feedback: promptFeedback as ValueObject } : {}),
  };
}

/**
 * Thinking is counted beside the answer there, and what tools of the provider's read beside the
 * question; here they are a part of the output and of the input. A count of nothing is left out
 * there, as in an answer that ended while the model was thinking
 * (https://ai.google.dev/api/generate-content#UsageMetadata).
 */
export function usageOf(usage: unknown): ModelUsage {
  if (!isPlainObject(usage) || !isCount(usage.promptTokenCount)) return {};
  const thoughts = countOf(usage.thoughtsTokenCount);
  const [asked, read] = [usage.promptTokensDetails, usage.toolUsePromptTokensDetails];
  const input = (kind: Modality) => ofKind(asked, kind) + ofKind(read, kind);
  const cached = (kind: Modality) => ofKind(usage.cacheTokensDetails, kind);
  const output = (kind: Modality) => ofKind(usage.candidatesTokensDetails, kind);
  return {
    input_tokens: usage.promptTokenCount + countOf(usage.toolUsePromptTokenCount),
    output_tokens: countOf(usage.candidatesTokenCount) + thoughts,
    ...countsOf({
      cached_tokens: usage.cachedContentTokenCount,
      input_audio_tokens: input('AUDIO'),
      input_image_tokens: input('IMAGE'),
      input_video_tokens: input('VIDEO'),
      cached_audio_tokens: cached('AUDIO'),
      cached_image_tokens: cached('IMAGE'),
      cached_video_tokens: cached('VIDEO'),
      reasoning_tokens: thoughts,
      output_audio_tokens: output('AUDIO'),
      output_image_tokens: output('IMAGE'),
      output_video_tokens: output('VIDEO'),
    }),
  };
}

/** https://ai.google.dev/api/generate-content#Modality */
type Modality = 'AUDIO' | 'IMAGE' | 'VIDEO';

/** Documents are read as images, and cost as much. */
function ofKind(details: unknown, kind: Modality): number {
  const list = Array.isArray(details) ? details.filter(isPlainObject) : [];
  const named = list.filter(
    ({ modality }) => (modality === 'DOCUMENT' ? 'IMAGE' : modality) === kind,
  );
  return named.reduce((sum, { tokenCount }) => sum + countOf(tokenCount), 0);
}

function countOf(count: unknown): number {
  return isCount(count) ? count : 0;
}

/** https://ai.google.dev/api/generate-content#FinishReason */
const FINISH = new Map<unknown, Finish>([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'filter'],
  ['RECITATION', 'filter'],
  ['BLOCKLIST', 'filter'],
  ['PROHIBITED_CONTENT', 'filter'],
  ['SPII', 'filter'],
]);

/** The API says STOP beside tool calls too. */
export function finishOf(reason: unknown, hasCalls: boolean): Finish {
  const finish = FINISH.get(reason) ?? 'other';
  return finish === 'stop' && hasCalls ? 'tool' : finish;
}
