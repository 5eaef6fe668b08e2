import type { Document } from '../../base/document.js';
import { isJdbxError, JdbxError } from '../../base/errors.js';
import type { ValueObject } from '../../base/values.js';
import type { Finish, ModelRequest, ModelUsage, ResponseSchema } from '../../llm/contract.js';
import type { CallEnd } from '../../llm/pools/resource-state.js';
import type { Slot } from '../../llm/responses/responses.js';
import type { StageWork } from '../contract.js';
import { buildRequest, type Said } from './build-request.js';
import { callModel } from './call-model.js';
import { isTargetsFault } from './fall-back.js';
import { type Heard, resumed } from './heard.js';
import { handleError, hearsOf, transformRequest, transformResponse } from './integration-hooks.js';
import { readOutput, withFault } from './structured-output.js';
import type { Target } from './target.js';

export interface Answer {
  readonly target: Target;
  readonly request: ModelRequest;
  readonly response: ValueObject;
  /** What the stage's audit document says of how the answer came about. */
  readonly facts?: ValueObject;
}

export interface Asking {
  readonly target: Target;
  readonly said: Said;
  /** What an earlier target had said when its stream broke off. */
  readonly begun?: string | undefined;
  /** Hears the answer as it comes; absent where nobody listens. */
  readonly heard?: Heard | undefined;
}

/** A pool leaves a resource alone for no longer, whatever was asked for, before it tries again. */
const PAUSE_MS_MAX = 15 * 60_000;

/** Asks one target, and tells it how the call ended. */
export async function answerFrom(work: StageWork, asking: Asking): Promise<Answer> {
  const { target, said, begun = '' } = asking;
  const { integration, ended } = target;
  const startedAt = work.run.now();
  let usedUp: number | undefined;
  const onUsedUp = (ms: number) => {
    usedUp = ms;
  };
  const tell = ({ isFailure, tokens, retry_after_ms: asked = usedUp }: Outcome) => {
    const retry_after_ms = asked && Math.min(asked, PAUSE_MS_MAX);
    const latency_ms = Math.max(0, work.run.now() - startedAt);
    return ended?.({ isFailure, tokens, retry_after_ms, latency_ms });
  };
  try {
    const plain = target.request ?? buildRequest(work, integration, said);
    const made = transformRequest(work, integration, plain);
    const request = made instanceof Promise ? await made : made;
    const slot = request === target.request ? target.slot : undefined;
    const answering = { work, integration, slot, heard: asking.heard, onUsedUp };
    const { response, facts } =
      begun === '' && !request.response_schema
        ? { response: await given(answering, request), facts: NO_FACTS }
        : await answerOf(answering, request, begun);
    const told = tell({ isFailure: false, tokens: tokensIn(response) });
    if (told) await told;
    return { target, request, response, facts };
  } catch (error) {
    await tell(failureOf(error, work.signal));
    throw error;
  }
}

type Outcome = Omit<CallEnd, 'latency_ms'>;

const NO_FACTS: ValueObject = {};

interface Answering {
  readonly work: StageWork;
  readonly integration: Document;
  /** Of the request that is answered. */
  readonly slot: Slot | undefined;
  readonly heard: Heard | undefined;
  readonly onUsedUp: (ms: number) => void;
}

type Given = { readonly response: ValueObject; readonly facts: ValueObject };

async function answerOf(
  answering: Answering,
  request: ModelRequest,
  begun: string,
): Promise<Given> {
  if (begun === '') return checked(answering, request, await given(answering, request));
  try {
    const { integration } = answering;
    const rest = await given(answering, resumed(request, begun, integration), 'rescue');
    const response = { ...rest, text: begun + String(rest.text ?? '') };
    const whole = await checked(answering, request, response);
    return { ...whole, facts: { ...whole.facts, rescued: { characters: begun.length } } };
  } catch (error) {
    // A provider that does not let a text be continued is asked for a whole one.
    if (!isJdbxError(error, 'MODEL_REFUSED')) throw error;
    return checked(answering, request, await given(answering, request));
  }
}

/** An answer that has to fit a schema, mended once where the stage says so. */
function checked(
  answering: Answering,
  request: ModelRequest,
  response: ValueObject,
): Given | Promise<Given> {
  const { response_schema: schema } = request;
  const isCalling = Array.isArray(response.tool_calls) && response.tool_calls.length > 0;
  return !schema || isCalling
    ? { response, facts: {} }
    : fitting(answering, request, response, schema);
}

async function fitting(
  answering: Answering,
  request: ModelRequest,
  response: ValueObject,
  schema: ResponseSchema,
): Promise<Given> {
  const outputOf = ({ text, finish }: ValueObject) =>
    readOutput(String(text ?? ''), finish as Finish, schema);
  try {
    return { response: { ...response, output: outputOf(response) }, facts: {} };
  } catch (error) {
    const mends = answering.work.stage.repair === true && isJdbxError(error, 'MODEL_OUTPUT');
    if (!mends) throw error;
    const told = withFault(request, String(response.text ?? ''), error as JdbxError);
    const again = await given(answering, told, 'repair');
    return { response: { ...again, output: outputOf(again) }, facts: { repaired: true } };
  }
}

function given(
  { work, integration, slot, heard, onUsedUp }: Answering,
  request: ModelRequest,
  part?: string,
): Promise<ValueObject> {
  const own = part === undefined ? slot : undefined;
  const calling = () => callModel(work, { integration, request, slot: own, part, heard, onUsedUp });
  return hearsOf(integration) ? handled(work, integration, calling) : calling();
}

/** What the integration's own transformers make of the answer, or of the want of one. */
async function handled(
  work: StageWork,
  integration: Document,
  calling: () => Promise<ValueObject>,
): Promise<ValueObject> {
  let response: ValueObject;
  try {
    response = await calling();
  } catch (error) {
    const handled = await handleError(work, integration, error);
    if (handled === undefined) throw error;
    return handled;
  }
  return transformResponse(work, integration, response);
}

/** An abort says nothing of the resource, and a refused request is the caller's fault. */
function failureOf(error: unknown, { aborted }: AbortSignal): Outcome {
  const isFailure = !aborted && isTargetsFault(error);
  const pause = error instanceof JdbxError ? error.details?.retryAfterMs : undefined;
  return { isFailure, ...(typeof pause === 'number' ? { retry_after_ms: pause } : {}) };
}

function tokensIn({ usage }: ValueObject): number | undefined {
  const { input_tokens, output_tokens } = (usage ?? {}) as ModelUsage;
  if (input_tokens === undefined && output_tokens === undefined) return undefined;
  return (input_tokens ?? 0) + (output_tokens ?? 0);
}
