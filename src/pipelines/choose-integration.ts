import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { StageWork } from './contract.js';
import { callGuest } from './guest.js';

/**
 * The integrations that a stage may call, in order. An orchestrator document's
 * `strategy` code picks one, and its `fallback_chain` follows; any other document is
 * an integration itself.
 */
export async function chooseIntegrations(work: StageWork): Promise<Document[]> {
  const named = work.run.definitions.get(work.stage.integration as string);
  if (named._type !== 'llm_orchestrator') return [named];
  const chain = (named.fallback_chain ?? []) as readonly string[];
  const picked = typeof named.strategy === 'string' ? await pick(work, named) : undefined;
  const ids = [...new Set([...(picked === undefined ? [] : [picked]), ...chain])];
  return ids.map((id) => work.run.definitions.get(id));
}

async function pick(work: StageWork, document: Document): Promise<string> {
  const { input, context } = work;
  const lookup = (name: string) => context.lookup(name);
  const guest = await callGuest(work, { document, field: 'strategy', input, lookup });
  guest.workspace.close();
  if (typeof guest.value === 'string') return guest.value;
  throw new JdbxError('GUEST_OUTPUT', `expected the id of an integration from ${document._id}`);
}
