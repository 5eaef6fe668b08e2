import type { Document } from '../../base/document.js';
import type { ValueObject } from '../../base/values.js';
import type { ModelAttempt, ModelRequest } from '../../llm/contract.js';
import type { StageWork } from '../contract.js';
import { purseFor } from './purse.js';

export interface ModelCall {
  readonly integration: Document;
  readonly request: ModelRequest;
  /** Tells several calls of one stage apart. */
  readonly part?: string;
}

/**
 * Calls a model for a stage, and gives its response as stages and guests see it; every
 * attempt becomes an audit document, failed ones too. The idempotency key is the same
 * whenever the stage runs again, also after a crash.
 */
export async function callModel(work: StageWork, call: ModelCall): Promise<ValueObject> {
  const { run, stage, path, signal } = work;
  const { integration, request, part } = call;
  const key = [run.id, path, integration._id, part].filter((each) => each !== undefined);
  const { response } = await run.models.call({
    integration: stage.at_most_once ? withoutRetries(integration) : integration,
    request,
    idempotencyKey: key.join('/'),
    signal,
    purse: purseFor(work),
    onAttempt: (attempt) => work.note(entryOf(work, attempt)),
  });
  return response as unknown as ValueObject;
}

function withoutRetries(integration: Document): Document {
  const strategy = integration.retry_strategy as ValueObject | undefined;
  return { ...integration, retry_strategy: { ...strategy, max_retries: 0 } } as Document;
}

function entryOf({ run, path }: StageWork, attempt: ModelAttempt) {
  const started_at = new Date(attempt.started_at).toISOString();
  return {
    kind: 'llm-call',
    run: run.id,
    path,
    ...(attempt as unknown as ValueObject),
    started_at,
  };
}
