import type { Document } from '../../base/document.js';
import type { ValueObject } from '../../base/values.js';
import type { ModelRequest } from '../../llm/contract.js';
import { type Slot, slotOf } from '../../llm/responses/responses.js';
import type { StageWork } from '../contract.js';
import { definitionsUnder, isCustom, TRANSLATORS } from '../pins.js';

/**
 * What beside the integration makes answers what they are: of a custom provider the revisions
 * of its transformers and of what those import.
 */
export function translatorsOf({ run }: StageWork, integration: Document): ValueObject | undefined {
  if (!isCustom(integration)) return undefined;
  const ids = TRANSLATORS.map((field) => integration[field]).filter((id) => typeof id === 'string');
  const documents = definitionsUnder(ids, {
    document: (id) => run.definitions.get(id),
    typesOf: run.typesOf,
    importsOf: (document) => run.codes.importsOf(document),
  });
  return Object.fromEntries(documents.map(({ _id, _rev }) => [_id, _rev]));
}

/** Where the answer is kept; what the stage says goes over what the integration says. */
export function slotFor(
  work: StageWork,
  integration: Document,
  request: ModelRequest,
): Slot | undefined {
  const { stage } = work;
  const rule = stage.response_cache ?? (integration.response_cache as typeof stage.response_cache);
  const also = rule ? translatorsOf(work, integration) : undefined;
  return slotOf(integration, request, rule, also);
}
