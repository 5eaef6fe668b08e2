import type { Document } from '../base/document.js';
import type { Value, ValueObject } from '../base/values.js';
import type { ModelAttempt, ModelRequest } from '../llm/contract.js';
import type { SessionUsage } from '../sessions/sessions.js';
import { NO_USAGE, type StageWork } from './contract.js';

export interface ModelCallOutcome {
  /** The response as stages and guests see it. */
  readonly output: ValueObject;
  readonly usage: SessionUsage;
}

/** Calls a model for a stage; every attempt becomes an audit document, failed ones too. */
export async function callModel(
  work: StageWork,
  integration: Document,
  request: ModelRequest,
  part = '',
): Promise<ModelCallOutcome> {
  const { run, path, signal } = work;
  let usage = NO_USAGE;
  const { response } = await run.models.call({
    integration,
    request,
    idempotencyKey: [run.id, path, part].filter((each) => each !== '').join('/'),
    signal,
    onAttempt: (attempt) => {
      work.note({ kind: 'llm-call', run: run.id, path, ...(attempt as unknown as ValueObject) });
      usage = counted(usage, attempt);
    },
  });
  return { output: response as unknown as ValueObject, usage };
}

/** What the provider reported; a figure that it did not report adds nothing. */
function counted(usage: SessionUsage, { usage: reported, cost_usd }: ModelAttempt): SessionUsage {
  return {
    input_tokens: usage.input_tokens + (reported.input_tokens ?? 0),
    output_tokens: usage.output_tokens + (reported.output_tokens ?? 0),
    cost_usd: usage.cost_usd + (cost_usd ?? 0),
    calls: usage.calls + 1,
  };
}

/** Later settings win. */
export function mergeSettings(...settings: (Value | undefined)[]): ValueObject {
  return Object.assign({}, ...settings.filter((each) => each !== undefined));
}
