import { JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import { toRequest } from '../llm/messages.js';
import type { HostFunctions } from '../sandbox/contract.js';
import type { SessionUsage } from '../sessions/sessions.js';
import { addUsage, NO_USAGE, type StageWork } from './contract.js';
import { callModel } from './model-call.js';

/** `llm.call(integration, request)` for guests that may call models, and what it cost. */
export function guestModels(work: StageWork): {
  readonly functions: HostFunctions;
  usage(): SessionUsage;
} {
  let usage = NO_USAGE;
  let calls = 0;
  const call = async (integration: Value | undefined, request: Value | undefined) => {
    if (typeof integration !== 'string') {
      throw new JdbxError('MISSING_INPUT', 'llm.call: expected the id of an integration first');
    }
    const document = work.run.definitions.get(integration);
    const result = await callModel(work, document, toRequest(request), `call/${++calls}`);
    usage = addUsage(usage, result.usage);
    return result.output;
  };
  return { functions: { 'llm.call': call }, usage: () => usage };
}
