import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Value, ValueObject } from '../../base/values.js';
import { textOf } from '../../llm/content.js';
import type { ModelRequest, ModelUsage } from '../../llm/contract.js';
import type { CallEnd } from '../../llm/pools/resource-state.js';
import type { Turn } from '../../sessions/sessions.js';
import { nothingHappened } from '../at-most-once.js';
import { templateOf } from '../check-pipeline.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { buildRequest } from '../models/build-request.js';
import { callModel } from '../models/call-model.js';
import { handleError, transformRequest, transformResponse } from '../models/integration-hooks.js';
import { type Target, type Targets, targetsFor } from '../models/targets.js';
import { renderPrompt } from '../prompts/render-prompt.js';

/**
 * Calls a model. The input is a string, or `{ prompt | text | messages, system?, context? }`;
 * with a `template_ref` the prompt document is rendered first. Settings of the integration,
 * the prompt and the stage are merged, the stage's winning.
 */
export const integrationStage: StageKind = {
  name: 'integration',
  async run(work: StageWork): Promise<StageOutcome> {
    const { output: said, facts } = await saidBy(work);
    const targets = await targetsFor(work, said);
    const { target, request, response } = await firstAnswer(work, targets, said);
    const { _id, _rev } = target.integration;
    return {
      output: response,
      turns: turnsOf(request, response),
      facts: { ...facts, ...target.facts, integration: _id, integration_rev: _rev },
    };
  },
};

/** What goes to the model: the stage's input, or the prompt that the stage names, filled in. */
async function saidBy(work: StageWork): Promise<StageOutcome> {
  const template = templateOf(work.stage);
  if (template === undefined) return { output: work.input };
  return renderPrompt(work, work.run.definitions.get(template));
}

interface Answer {
  readonly target: Target;
  readonly request: ModelRequest;
  readonly response: ValueObject;
}

/** Tries one target after the other; the last one's error counts. */
async function firstAnswer(work: StageWork, targets: Targets, said: Value): Promise<Answer> {
  let failed: { readonly error: unknown } | undefined;
  for (let target = await targets.next(); target; target = await targets.next()) {
    try {
      if (work.stage.at_most_once && !failed) await work.run.announce(work.path);
      return await answerFrom(work, target, said);
    } catch (error) {
      if (work.signal.aborted || !mayFallBack(work, error)) throw error;
      failed = { error };
    }
  }
  if (failed) throw failed.error;
  throw new JdbxError('INVALID_INTEGRATION', `expected an integration for ${work.path}`);
}

async function answerFrom(work: StageWork, target: Target, said: Value): Promise<Answer> {
  const { integration, ended } = target;
  const startedAt = work.run.now();
  const tell = (outcome: Omit<CallEnd, 'latency_ms'>) =>
    ended?.({ ...outcome, latency_ms: Math.max(0, work.run.now() - startedAt) });
  try {
    const plain = buildRequest(work, integration, said);
    const request = await transformRequest(work, integration, plain);
    const response = await answerOf(work, integration, request);
    await tell({ isFailure: false, tokens: tokensIn(response) });
    return { target, request, response };
  } catch (error) {
    await tell(failureOf(error, work.signal));
    throw error;
  }
}

/** An abort says nothing of the resource, and a refused request is the caller's fault. */
function failureOf(error: unknown, { aborted }: AbortSignal): Omit<CallEnd, 'latency_ms'> {
  const isFailure = !aborted && error instanceof JdbxError && FALL_BACK_ON.has(error.code);
  const pause = error instanceof JdbxError ? error.details?.retryAfterMs : undefined;
  return { isFailure, ...(typeof pause === 'number' ? { retry_after_ms: pause } : {}) };
}

function tokensIn({ usage }: ValueObject): number | undefined {
  const { input_tokens, output_tokens } = (usage ?? {}) as ModelUsage;
  if (input_tokens === undefined && output_tokens === undefined) return undefined;
  return (input_tokens ?? 0) + (output_tokens ?? 0);
}

async function answerOf(
  work: StageWork,
  integration: Document,
  request: ModelRequest,
): Promise<ValueObject> {
  let response: ValueObject;
  try {
    response = await callModel(work, { integration, request });
  } catch (error) {
    const handled = await handleError(work, integration, error);
    if (handled === undefined) throw error;
    return handled;
  }
  return transformResponse(work, integration, response);
}

const FALL_BACK_ON = new Set<string>([
  'MODEL_RATE_LIMITED',
  'MODEL_UNAVAILABLE',
  'MODEL_TIMEOUT',
  'MODEL_RESPONSE',
  'RECORDING_MISSING',
]);

function mayFallBack({ stage }: StageWork, error: unknown): boolean {
  if (stage.at_most_once && !nothingHappened(error)) return false;
  return error instanceof JdbxError && FALL_BACK_ON.has(error.code);
}

function turnsOf(request: ModelRequest, response: ValueObject): Turn[] {
  const asked = request.messages.findLast(({ role }) => role === 'user');
  const turns: Turn[] = asked ? [{ role: 'user', content: textOf(asked.content) }] : [];
  return [...turns, { role: 'assistant', content: String(response.text ?? '') }];
}
