import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType } from '../../base/values.js';
import type { StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';

/**
 * The integrations that a stage may call, in order. An orchestrator document's
 * `strategy` code picks one, and its `fallback_chain` follows; any other document is
 * an integration itself.
 *
 * @throws {JdbxError} INVALID_INTEGRATION, MISSING_DOCUMENT, and what the strategy throws
 */
export async function chooseIntegrations(work: StageWork): Promise<Document[]> {
  const { definitions } = work.run;
  const named = definitions.get(work.stage.integration as string);
  if (named._type !== 'llm_orchestrator') return [named];
  const chain = Array.isArray(named.fallback_chain) ? (named.fallback_chain as string[]) : [];
  const picked = typeof named.strategy === 'string' ? [await pick(work, named)] : [];
  const ids = [...new Set([...picked, ...chain])];
  if (ids.length > 0) return ids.map((id) => definitions.get(id));
  throw new JdbxError('INVALID_INTEGRATION', `expected a strategy or a chain in ${named._id}`);
}

async function pick(work: StageWork, document: Document): Promise<string> {
  const { input } = work;
  const { value } = await callGuest(work, { document, field: 'strategy', input });
  if (typeof value === 'string') return value;
  throw new JdbxError(
    'GUEST_OUTPUT',
    `expected the id of an integration from ${document._id}, got ${describeType(value)}`,
  );
}
