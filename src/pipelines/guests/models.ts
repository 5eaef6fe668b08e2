import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { toRequest } from '../../llm/messages.js';
import type { HostFunctions } from '../../sandbox/contract.js';
import type { StageWork } from '../contract.js';
import { callModel } from '../models/call-model.js';
import { HOOKS } from '../pins.js';
import { type GuestRights, typesFor } from './rights.js';

/** `llm.call(integration, request)` for guests that may call models. */
export function guestModels(work: StageWork, rights: GuestRights): HostFunctions {
  return {
    'llm.call': async (id, request) => {
      if (typeof id !== 'string') {
        throw new JdbxError('MISSING_INPUT', 'llm.call: expected the id of an integration first');
      }
      const integration = work.run.definitions.get(id);
      checkScope(rights, integration);
      refuseHooks(integration);
      const part = `call/${work.nextCall()}`;
      return callModel(work, { integration, request: toRequest(request), part });
    },
  };
}

/** `llm.call:integration:fast` names an integration, `llm.call:integration` its type. */
function checkScope(rights: GuestRights, { _id, _type }: Document): void {
  const allowed = typesFor(rights, 'llm.call');
  if (!allowed || allowed.includes(_id) || allowed.includes(_type)) return;
  const permission = `llm.call:${_id}`;
  rights.refused(permission);
  throw new JdbxError('PERMISSION_DENIED', `expected the permission ${permission}`, {
    operation: 'llm.call',
    details: { permission },
  });
}

/** They are guests themselves; one guest cannot wait for another. */
function refuseHooks(integration: Document): void {
  const hook = HOOKS.find((field) => integration[field] !== undefined);
  if (hook === undefined) return;
  throw new JdbxError(
    'INVALID_INTEGRATION',
    `expected an integration without ${hook} in llm.call; an integration stage may have one`,
    { path: hook, details: { id: integration._id } },
  );
}
