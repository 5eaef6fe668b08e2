import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import {
  describeType,
  isPlainObject,
  takeValue,
  type Value,
  type ValueObject,
} from '../../base/values.js';
import type { ModelMessage, ModelRequest } from '../../llm/contract.js';
import { toRequest } from '../../llm/messages.js';
import { readSchema } from '../../llm/read-tools.js';
import type { StageWork } from '../contract.js';
import { checkValueSchema } from '../value-schema.js';

/** What goes to the model: the stage's words, and the session's turns before them. */
export interface Said {
  readonly output: Value;
  readonly earlier: readonly ModelMessage[];
  /** What it comes to, once it was read: the same for however many integrations it may go to. */
  asked?: Asked;
}

/**
 * The request that a stage makes of what it was handed, for one integration: settings
 * of the integration, the prompt and the stage merged, the stage's winning, and the
 * session's last turns in front. Deeply frozen.
 *
 * @throws {JdbxError} MISSING_INPUT, INVALID_EXPRESSION
 */
export function buildRequest(work: StageWork, integration: Document, said: Said): ModelRequest {
  const { request, model, settings } = readSaid(work, said);
  const { stage } = work;
  return Object.freeze({
    ...request,
    model: modelFor(work, integration, stage.model ?? model),
    settings: mergeSettings(integration.params, settings, stage.params),
  });
}

/** What is the same for every integration. */
export interface Asked {
  readonly request: ModelRequest;
  readonly model: Value | undefined;
  readonly settings: Value | undefined;
}

/** @throws {JdbxError} MISSING_INPUT, INVALID_EXPRESSION */
export function readSaid(work: StageWork, said: Said): Asked {
  said.asked ??= askedBy(work, said);
  return said.asked;
}

function askedBy(work: StageWork, said: Said): Asked {
  const { model, settings, ...parts } = partsOf(said.output);
  const context = passagesOf(work);
  const own = toRequest(context === undefined ? parts : { ...parts, context }, {
    key: keyOf(work),
  });
  const messages = withEarlierTurns(said.earlier, own.messages);
  const whole = { ...own, messages, ...schemaOf(work, own) };
  return { request: takeValue(whole) as unknown as ModelRequest, model, settings };
}

/** The stage's schema goes over one that came with the input. */
function schemaOf({ stage, path }: StageWork, request: ModelRequest): Partial<ModelRequest> {
  if (stage.response_schema !== undefined) {
    return { response_schema: readSchema(stage.response_schema) };
  }
  const { response_schema } = request;
  if (response_schema) checkValueSchema(response_schema.schema, `${path}.response_schema`);
  return {};
}

/**
 * Where an orchestrator chose the integration, a model that is not one of its own is not meant
 * for it; then it is the integration's own, if that names one.
 */
function modelFor(
  { stage }: StageWork,
  { _id, model, models }: Document,
  wanted: Value | undefined,
): string {
  const own = [model, ...(Array.isArray(models) ? models : [])].filter(isText);
  const isMeant = _id === stage.integration || own.length === 0 || own.includes(wanted as string);
  return (isMeant && isText(wanted) ? wanted : own[0]) ?? '';
}

function isText(value: Value | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

/**
 * What a prompt stage made is passed on whole. Of an earlier answer it is the text, for
 * the model that gave it says nothing about this call.
 */
function partsOf(said: Value): ValueObject {
  if (typeof said === 'string') return { prompt: said };
  if (!isPlainObject(said)) return {};
  const { messages, prompt, text, system, context, key, ...others } = said as ValueObject;
  const { model, settings, tools, tool_choice, response_schema } = others;
  const isAnswer = messages === undefined && prompt === undefined;
  const asked = { system, context, key, tools, tool_choice, response_schema };
  const parts = isAnswer
    ? { text, ...asked }
    : { ...(messages === undefined ? { prompt } : { messages }), ...asked, model, settings };
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
  return takeValue(Object.assign({}, ...settings), 'settings') as ValueObject;
}
