import { contentHash } from './base/canonical.js';
import type { Document, NewDocument } from './base/document.js';
import type { Value, ValueObject } from './base/values.js';
import type { DocumentCheck } from './documents/contract.js';
import { checkSchedule } from './jobs/schedule-document.js';
import { checkBudget } from './llm/budgets/budget-document.js';
import { checkCredential } from './llm/credentials.js';
import { checkEmbedder } from './llm/embeddings/embedders.js';
import { checkNoSecret, mayHoldSecret } from './llm/inline-secrets.js';
import { checkIntegration } from './llm/integration.js';
import { checkPool } from './llm/pools/pool-document.js';
import { checkPrice } from './llm/prices/price-document.js';
import { checkPipeline } from './pipelines/check-pipeline.js';
import { readTests } from './pipelines/document-tests/read-tests.js';
import { codeFieldOf, PROGRAM_TYPE } from './pipelines/guests/code-fields.js';
import type { GuestCodes } from './pipelines/guests/guest-codes.js';
import { checkProgram } from './pipelines/programs/program-document.js';
import { resolveLimits } from './sandbox/limits.js';
import { Permissions } from './sandbox/permissions.js';
import { checkCompaction } from './sessions/compaction.js';

/** Definitions that are data alone. */
const CHECKS: Readonly<Record<string, DocumentCheck>> = {
  budget: checkBudget,
  credential: checkCredential,
  embedder: checkEmbedder,
  price: checkPrice,
  resource_pool: checkPool,
  schedule: checkSchedule,
};

/** What is checked when a definition is written, by its type. */
export function documentChecks(codes: GuestCodes): readonly DocumentCheck[] {
  return [
    (document) => checkCode(document, codes),
    (document) => {
      if (document._type === 'pipeline' || document._type === 'llm_pipeline') {
        checkPipeline(document);
      }
    },
    (document) => {
      if (mayHoldSecret(document._type)) checkNoSecret(document);
    },
    (document) => CHECKS[document._type]?.(document),
    (document) => checkIntegration(document),
    // Sessions go by several types, and by those of an alias.
    (document) => {
      if (/session$/.test(document._type)) checkCompaction(document);
    },
  ];
}

function checkCode(document: NewDocument, codes: GuestCodes): void {
  const field = codeFieldOf(document);
  if (field === undefined) return;
  readTests(document);
  if (document[field] === undefined && field !== 'code') return;
  if (document._type === PROGRAM_TYPE) checkProgram(document, codes);
  else codes.check(document);
  Permissions.parse(document.permissions);
  resolveLimits(document.limits);
}

/** A value, or a node of one that is stored in parts (`pipelines/blob-tree.ts`). */
const BLOB = /^blob:(tree:)?([0-9a-f]{64})$/;

/** A large value is stored under the hash of its content; `db.check()` asks whether it still is. */
export function blobFault(document: Document): string | undefined {
  const { _id, _type } = document;
  if (_type !== 'blob') return undefined;
  const { value, parts, fields } = document;
  const [, kind, hash] = BLOB.exec(_id) ?? [];
  const node = definedOf({ parts, value, fields });
  if (hash === undefined || contentHash(kind ? node : (value ?? null)) === hash) return undefined;
  return 'its content does not match the hash in its id';
}

function definedOf(fields: Readonly<Record<string, Value | undefined>>): ValueObject {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as ValueObject;
}
