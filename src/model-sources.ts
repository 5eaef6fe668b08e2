import type { Clock } from './base/clock.js';
import type { Database } from './documents/database.js';
import type { ReservationFacts } from './llm/budgets/budget-document.js';
import { type CountTokens, estimateTokens, loadTokenCounter } from './llm/budgets/token-counter.js';
import type { Price } from './llm/contract.js';
import type { Resource } from './llm/pools/pool-document.js';
import { type PriceDocument, priceAt, priceId, priceNames } from './llm/prices/price-document.js';
import type { FindRecording, RecordedCall } from './llm/providers/recorded.js';
import type { CachedResponse } from './llm/responses/responses.js';
import type { SemanticEntry } from './llm/semantic/entry.js';
import type { TokenCounter } from './sessions/token-window.js';

/** Finds what models cost in the store's price documents. */
export function findPriceIn(database: Database, clock: Clock) {
  return async (provider: string, model: string): Promise<Price | undefined> => {
    for (const name of priceNames(model)) {
      const document = await database.get<PriceDocument>(priceId(provider, name));
      if (document) return priceAt(document, clock.now());
    }
    return undefined;
  };
}

/** Finds answers that were given before in the store's recorded calls. */
export function findRecordingIn(database: Database): FindRecording {
  return async ({ integration, key, requestHash }) => {
    const match = key === undefined ? { request_hash: requestHash } : { key };
    return database.query<RecordedCall>({ _type: 'recorded_call', integration, ...match }).first();
  };
}

/** What a pool's resource says of its price itself. */
export function ownPrice(resource: Resource): Price | undefined {
  return (resource as { readonly price?: Price }).price;
}

/** Counts the tokens of turns: as the program says, else as well as can be had here. */
export async function chooseTokenCounter(given: CountTokens | undefined): Promise<TokenCounter> {
  if (given) return { name: 'given', estimated: false, count: given };
  const count = await loadTokenCounter();
  const estimated = count === estimateTokens;
  return { name: estimated ? 'estimate' : 'gpt-tokenizer', estimated, count };
}

/** True when the audit trail says that a commit has counted a call: it was told so in that commit. */
export function isSettledIn(database: Database) {
  return ({ id, run, path }: ReservationFacts): boolean => {
    using snapshot = database.snapshot();
    const told = { _type: 'audit', run, kind: 'stage', path, reservations: id };
    return snapshot.query(told, { limit: 1 }).length > 0;
  };
}

/** The kept answers of a scope that were asked for first, to let go of. */
export function oldestResponsesIn(database: Database) {
  return (scope: string, limit: number): Promise<CachedResponse[]> =>
    database
      .query<CachedResponse>({ _type: 'cached_response', scope })
      .sort({ at: 1 })
      .limit(limit)
      .toArray();
}

/** The newest questions of a scope whose answers were kept. */
export function newestEntriesIn(database: Database) {
  return (scope: string, limit: number): Promise<SemanticEntry[]> =>
    database
      .query<SemanticEntry>({ _type: 'semantic_entry', scope })
      .sort({ at: -1 })
      .limit(limit)
      .toArray();
}
