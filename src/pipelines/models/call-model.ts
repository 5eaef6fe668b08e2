import type { Document } from '../../base/document.js';
import { roomyObject } from '../../base/roomy-object.js';
import type { Value, ValueObject } from '../../base/values.js';
import type { ModelAttempt, ModelEvent } from '../../llm/contract.js';
import type { Kept, Savings, Slot } from '../../llm/responses/responses.js';
import type { StageWork } from '../contract.js';
import { isCustom, TRANSLATORS } from '../pins.js';
import { orKept } from './cached-call.js';
import type { Heard } from './heard.js';
import type { ModelCall } from './model-call.js';
import { purseFor } from './purse.js';

/**
 * Calls a model for a stage, and gives its response as stages and guests see it; every
 * attempt becomes an audit document, failed ones too. The idempotency key is the same
 * whenever the stage runs again, also after a crash.
 */
export function callModel(work: StageWork, call: ModelCall): Promise<ValueObject> {
  return orKept(work, call, (slot) => make(work, call, slot));
}

function make(work: StageWork, call: ModelCall, slot: Slot | undefined): Promise<Kept> {
  const { run, stage, path, signal } = work;
  const { integration, request, part, heard, onUsedUp } = call;
  const key = [run.id, path, integration._id, part].filter((each) => each !== undefined);
  const startedAt = run.now();
  const calling = run.models.call({
    integration: translated(work, stage.at_most_once ? withoutRetries(integration) : integration),
    request,
    requestHash: slot?.requestHash,
    idempotencyKey: key.join('/'),
    signal,
    purse: purseFor(work),
    onUsedUp,
    ...(heard ? listening(work, integration, heard) : {}),
    onAttempt: (attempt) => work.note(entryOf(work, attempt, part)),
  });
  return calling.then(({ response, cost_usd }) => {
    const latency_ms = Math.max(0, run.now() - startedAt);
    const cost = cost_usd === undefined ? undefined : { cost_usd };
    const saves = { ...response.usage, ...cost, latency_ms } as Savings;
    return { response: response as unknown as ValueObject, saves };
  });
}

/** Where an answer may be gone on with elsewhere, one that has begun is not begun again. */
function listening({ run, stage, path }: StageWork, { _id }: Document, heard: Heard) {
  return {
    onEvent: (event: ModelEvent, attempt: number) => {
      heard.take(event, attempt);
      if (stage.stream) run.tell(path, { integration: _id, attempt, event });
    },
    mayRetry: () => !stage.rescue || heard.text === '',
  };
}

/** A custom provider's transformers as the run is pinned to them. */
function translated({ run }: StageWork, integration: Document): Document {
  if (!isCustom(integration)) return integration;
  const documents = TRANSLATORS.flatMap((field) => {
    const id = integration[field];
    return typeof id === 'string' ? [[field, run.definitions.get(id)] as const] : [];
  });
  return { ...integration, ...Object.fromEntries(documents) } as Document;
}

function withoutRetries(integration: Document): Document {
  const strategy = integration.retry_strategy as ValueObject | undefined;
  return { ...integration, retry_strategy: { ...strategy, max_retries: 0 } } as Document;
}

/** As many as one may have. */
const ENTRY_FIELDS = 24;

function entryOf({ run, path }: StageWork, attempt: ModelAttempt, part: string | undefined) {
  const started_at = new Date(attempt.started_at).toISOString();
  const facts = { kind: 'llm-call', run: run.id, pipeline: run.pipelineId, path };
  // Not spread, which is slow for so many properties.
  return Object.assign(
    roomyObject<Value>(ENTRY_FIELDS),
    facts,
    part === undefined ? undefined : { part },
    attempt as unknown as ValueObject,
    { started_at },
  );
}
