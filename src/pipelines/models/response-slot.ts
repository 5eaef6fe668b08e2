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
  const known = SLOTS.get(request);
  if (known && known.integration === integration && known.rule === rule) return known.slot;
  const slot = slotOf(integration, request, rule);
  SLOTS.set(request, { integration, rule, slot });
  return slot;
}

/** A request is looked up before it waits for its turn, and again when that has come. */
const SLOTS = new WeakMap<
  ModelRequest,
  { readonly integration: Document; readonly rule: unknown; readonly slot: Slot | undefined }
>();
