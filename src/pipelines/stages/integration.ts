import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelRequest } from '../../llm/contract.js';
import { toRequest } from '../../llm/messages.js';
import type { Turn } from '../../sessions/sessions.js';
import { templateOf } from '../check-pipeline.js';
import { chooseIntegrations } from '../choose-integration.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { callModel, type ModelCallOutcome, mergeSettings } from '../model-call.js';
import { renderPrompt } from '../render-prompt.js';

/**
 * Calls a model. The input is a string, or `{ prompt | text | messages, system?, context? }`;
 * with a `template_ref` the prompt document is rendered first. Settings of the integration,
 * the prompt and the stage are merged, the stage's winning.
 */
export const integrationStage: StageKind = {
  name: 'integration',
  async run(work: StageWork): Promise<StageOutcome> {
    const said = await saidBy(work);
    if (work.stage.at_most_once) await work.run.announce(work.path);
    const chosen = await chooseIntegrations(work);
    const { integration, request, result } = await firstAnswer(work, chosen, said);
    return {
      output: result.output,
      usage: result.usage,
      turns: turnsOf(request, result.output),
      facts: { integration: integration._id, integration_rev: integration._rev },
    };
  },
};

/** What goes to the model: the stage's input, or the prompt that the stage names, filled in. */
async function saidBy(work: StageWork): Promise<Value> {
  const template = templateOf(work.stage);
  if (template === undefined) return work.input;
  const rendered = await renderPrompt(work, work.run.definitions.get(template));
  rendered.workspace?.close();
  return rendered.output;
}

interface Answer {
  readonly integration: Document;
  readonly request: ModelRequest;
  readonly result: ModelCallOutcome;
}

/** Tries the integrations in their order; the last one's error counts. */
async function firstAnswer(
  work: StageWork,
  integrations: readonly Document[],
  said: Value,
): Promise<Answer> {
  for (const [index, integration] of integrations.entries()) {
    const request = requestFor(work, integration, said);
    try {
      return { integration, request, result: await callModel(work, integration, request) };
    } catch (error) {
      const fallback = error instanceof JdbxError && FALL_BACK_ON.has(error.code);
      if (!fallback || index === integrations.length - 1) throw error;
    }
  }
  throw new JdbxError('INVALID_INTEGRATION', `expected an integration for ${work.path}`);
}

const FALL_BACK_ON = new Set<string>([
  'MODEL_RATE_LIMITED',
  'MODEL_UNAVAILABLE',
  'MODEL_TIMEOUT',
  'MODEL_RESPONSE',
  'RECORDING_MISSING',
]);

function requestFor(work: StageWork, integration: Document, said: Value): ModelRequest {
  const { stage, context } = work;
  const { model, settings, ...body } = partsOf(said);
  const key = stage.key === undefined ? undefined : String(context.evaluate(stage.key));
  const passages = stage.context === undefined ? undefined : context.evaluate(stage.context);
  const request = toRequest(passages === undefined ? body : { ...body, context: passages }, {
    model: stage.model ?? (typeof model === 'string' ? model : undefined),
    settings: mergeSettings(integration.params, settings, stage.params),
    key,
  });
  return { ...request, messages: [...earlierTurns(work), ...request.messages] };
}

/** `text` of an earlier answer may be passed on as it is, with everything that came beside it. */
function partsOf(said: Value): ValueObject {
  if (typeof said === 'string') return { prompt: said };
  if (!isPlainObject(said)) return {};
  const { messages, prompt, text, system, context, key, model, settings } = said as ValueObject;
  const content = messages ?? prompt ?? text;
  const field = messages === undefined ? 'prompt' : 'messages';
  const parts = { [field]: content, system, context, key, model, settings };
  return Object.fromEntries(
    Object.entries(parts).filter(([, value]) => value !== undefined),
  ) as ValueObject;
}

function earlierTurns({ stage, context }: StageWork): Turn[] {
  if (!stage.history) return [];
  const history = (context.lookup('history') ?? []) as unknown as readonly Turn[];
  return history.slice(-stage.history);
}

function turnsOf(request: ModelRequest, output: ValueObject): Turn[] {
  const asked = request.messages.findLast(({ role }) => role === 'user');
  const turns: Turn[] = asked ? [{ role: 'user', content: asked.content }] : [];
  return [...turns, { role: 'assistant', content: String(output.text ?? '') }];
}
