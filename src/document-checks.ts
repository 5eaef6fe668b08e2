import type { NewDocument } from './base/document.js';
import { JdbxError } from './base/errors.js';
import type { DocumentCheck } from './documents/contract.js';
import { checkSchedule } from './jobs/schedule-document.js';
import { checkBudget } from './llm/budgets/budget-document.js';
import { checkCredential } from './llm/credentials.js';
import { checkPool } from './llm/pools/pool-document.js';
import { checkPrice } from './llm/prices/price-document.js';
import { checkPipeline } from './pipelines/check-pipeline.js';
import { checkGuestCode } from './sandbox/entry.js';
import { resolveLimits } from './sandbox/limits.js';
import { Permissions } from './sandbox/permissions.js';

/** Fields that hold guest code, by the type of the document. */
const CODE_FIELDS: Readonly<Record<string, string>> = {
  transformer: 'code',
  js_transformer: 'code',
  prompt: 'generator',
  prompt_template: 'generator',
  llm_orchestrator: 'strategy',
};

/** Definitions that are data alone. */
const CHECKS: Readonly<Record<string, DocumentCheck>> = {
  budget: checkBudget,
  credential: checkCredential,
  price: checkPrice,
  resource_pool: checkPool,
  schedule: checkSchedule,
};

/** What is checked when a definition is written, by its type. */
export const DOCUMENT_CHECKS: readonly DocumentCheck[] = [
  (document) => {
    const field = CODE_FIELDS[document._type];
    if (field !== undefined) checkCode(document, field);
  },
  (document) => {
    if (document._type === 'pipeline' || document._type === 'llm_pipeline') checkPipeline(document);
  },
  (document) => CHECKS[document._type]?.(document),
];

function checkCode(document: NewDocument, field: string): void {
  const code = document[field];
  if (code === undefined && field !== 'code') return;
  if (typeof code !== 'string') {
    throw new JdbxError('INVALID_DOCUMENT', 'expected the code of a function', { path: field });
  }
  const name = document._id ?? document._type;
  checkGuestCode(code, { name, entry: document.entry as string | undefined });
  Permissions.parse(document.permissions);
  resolveLimits(document.limits);
}
