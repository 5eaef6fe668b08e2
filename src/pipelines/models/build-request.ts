import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelMessage, ModelRequest } from '../../llm/contract.js';
import { toRequest } from '../../llm/messages.js';
import type { StageWork } from '../contract.js';

/**
 * The request that a stage makes of what it was handed, for one integration: settings
 * of the integration, the prompt and the stage merged, the stage's winning, and the
 * session's last turns in front.
 *
 * @throws {JdbxError} MISSING_INPUT, INVALID_EXPRESSION
 */
export function buildRequest(
  work: StageWork,
  integration: Document,
  said: Value,
  earlier: readonly ModelMessage[] = [],
): ModelRequest {
  const { stage } = work;
  const { model, settings, ...parts } = partsOf(said);
  const context = passagesOf(work);
  const request = toRequest(context === undefined ? parts : { ...parts, context }, {
    model: modelFor(work, integration, stage.model ?? model),
    settings: mergeSettings(integration.params, settings, stage.params),
    key: keyOf(work),
  });
  return { ...request, messages: withEarlierTurns(earlier, request.messages) };
}

/** Where an orchestrator chose the integration, a model that is not one of its own is not meant for it. */
function modelFor(
  { stage }: StageWork,
  { _id, model, models }: Document,
  wanted: Value | undefined,
): string | undefined {
  if (typeof wanted !== 'string') return undefined;
  const own = [model, ...(Array.isArray(models) ? models : [])].filter(
    (each) => each !== undefined,
  );
  const isMeant = _id === stage.integration || own.length === 0 || own.includes(wanted);
  return isMeant ? wanted : undefined;
}

/**
 * What a prompt stage made is passed on whole. Of an earlier answer it is the text, for
 * the model that gave it says nothing about this call.
 */
function partsOf(said: Value): ValueObject {
  if (typeof said === 'string') return { prompt: said };
  if (!isPlainObject(said)) return {};
  const { messages, prompt, text, system, context, key, model, settings } = said as ValueObject;
  const isAnswer = messages === undefined && prompt === undefined;
  const parts = isAnswer
    ? { text, system, context, key }
    : {
        ...(messages === undefined ? { prompt } : { messages }),
        system,
        context,
        key,
        model,
        settings,
      };
  return Object.fromEntries(
    Object.entries(parts).filter(([, value]) => value !== undefined),
  ) as ValueObject;
}

function passagesOf({ stage, context, path }: StageWork): Value | undefined {
  return stage.context === undefined
    ? undefined
    : context.require(stage.context, `${path}.context`);
}

function keyOf({ stage, context, path }: StageWork): string | undefined {
  if (stage.key === undefined) return undefined;
  const key = context.require(stage.key, `${path}.key`);
  if (typeof key === 'string' || typeof key === 'number') return String(key);
  throw new JdbxError('MISSING_INPUT', `expected text or a number, got ${describeType(key)}`, {
    path: `${path}.key`,
  });
}

/** The system's messages stay in front. */
function withEarlierTurns(
  earlier: readonly ModelMessage[],
  messages: readonly ModelMessage[],
): readonly ModelMessage[] {
  if (earlier.length === 0) return messages;
  const isSystem = ({ role }: ModelMessage) => role === 'system';
  return [...messages.filter(isSystem), ...earlier, ...messages.filter((each) => !isSystem(each))];
}

/** Later settings win. */
function mergeSettings(...settings: (Value | undefined)[]): ValueObject {
  return Object.assign({}, ...settings.filter((each) => each !== undefined));
}
