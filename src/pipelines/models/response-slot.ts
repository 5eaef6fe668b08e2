import type { Document } from '../../base/document.js';
import type { ModelRequest } from '../../llm/contract.js';
import { type Slot, slotOf } from '../../llm/responses/responses.js';
import type { StageWork } from '../contract.js';

/** Where the answer is kept; what the stage says goes over what the integration says. */
export function slotFor(
  { stage }: StageWork,
  integration: Document,
  request: ModelRequest,
): Slot | undefined {
  const rule = stage.response_cache ?? (integration.response_cache as typeof stage.response_cache);
  return slotOf(integration, request, rule);
}
