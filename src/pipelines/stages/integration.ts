import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Value, ValueObject } from '../../base/values.js';
import { textOf } from '../../llm/content.js';
import type { ModelRequest } from '../../llm/contract.js';
import type { Turn } from '../../sessions/sessions.js';
import { nothingHappened } from '../at-most-once.js';
import { templateOf } from '../check-pipeline.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { buildRequest } from '../models/build-request.js';
import { callModel } from '../models/call-model.js';
import { chooseIntegrations } from '../models/choose-integration.js';
import { type EarlierTurns, earlierTurns } from '../models/earlier-turns.js';
import { handleError, transformRequest, transformResponse } from '../models/integration-hooks.js';
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
    const chosen = await chooseIntegrations(work);
    const earlier = await earlierTurns(work);
    const { integration, request, response } = await firstAnswer(work, chosen, said, earlier);
    return {
      output: response,
      turns: turnsOf(request, response),
      facts: {
        ...facts,
        ...earlier.facts,
        integration: integration._id,
        integration_rev: integration._rev,
      },
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
  readonly integration: Document;
  readonly request: ModelRequest;
  readonly response: ValueObject;
}

/** Tries the integrations in their order; the last one's error counts. */
async function firstAnswer(
  work: StageWork,
  integrations: readonly Document[],
  said: Value,
  { messages }: EarlierTurns,
): Promise<Answer> {
  for (const [index, integration] of integrations.entries()) {
    const plain = buildRequest(work, integration, said, messages);
    const request = await transformRequest(work, integration, plain);
    try {
      if (work.stage.at_most_once && index === 0) await work.run.announce(work.path);
      const response = await answerOf(work, integration, request);
      return { integration, request, response };
    } catch (error) {
      const isLast = index === integrations.length - 1;
      if (isLast || work.signal.aborted || !mayFallBack(work, error)) throw error;
    }
  }
  throw new JdbxError('INVALID_INTEGRATION', `expected an integration for ${work.path}`);
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
