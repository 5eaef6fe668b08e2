import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Clock } from './base/clock.js';
import type { Database } from './documents/database.js';
import type { ReservationFacts } from './llm/budgets/budget-document.js';
import { type CountTokens, estimateTokens, loadTokenCounter } from './llm/budgets/token-counter.js';
import type { Price } from './llm/contract.js';
import type { Resource } from './llm/pools/pool-document.js';
import { matchesModel, undated } from './llm/prices/model-match.js';
import { type PriceDocument, priceAt, priceId } from './llm/prices/price-document.js';
import type { FindRecording, RecordedCall } from './llm/providers/recorded.js';
import type { CachedResponse } from './llm/responses/responses.js';
import type { SemanticEntry } from './llm/semantic/entry.js';
import type { TokenCounter } from './sessions/token-window.js';

/** Other names of models whose prices were looked for; as many are remembered. */
const NAMES_MAX = 1_000;

/**
 * Finds what models cost in the store's price documents: by their name, by a price that says
 * that it is for this name too, or by the name without the day that the model was made.
 */
export function findPriceIn(database: Database, clock: Clock) {
  const others = new LRUCache<string, string>({ max: NAMES_MAX });
  const get = (id: string) => database.get<PriceDocument>(id);
  const search = async (provider: string, model: string) => {
    const prices = database.query<PriceDocument>({ _type: 'price', provider }).sort({ _id: 1 });
    return (await prices.toArray()).find(({ match }) => matchesModel(match, model));
  };
  const byOtherName = async (provider: string, model: string) => {
    const key = priceId(provider, model);
    const known = others.get(key);
    const last = known === undefined ? undefined : await get(known);
    if (last && matchesModel(last.match, model)) return last;
    const found = await search(provider, model);
    if (found) others.set(key, found._id);
    return found;
  };
  return async (provider: string, model: string): Promise<Price | undefined> => {
    const document =
      (await get(priceId(provider, model))) ??
      (await byOtherName(provider, model)) ??
      (await get(priceId(provider, undated(model))));
    return document && priceAt(document, clock.now());
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
      .project({ bytes: 1 })
      .toArray();
}

/** Keys of an index that are gone through in one step, about a millisecond. */
const PAUSE_EACH = 250;

/** What the kept answers of a scope take together. */
export function responseBytesIn(database: Database) {
  return async (scope: string): Promise<number> => {
    const kept = database.query<CachedResponse>({ _type: 'cached_response', scope });
    let [sum, count] = [0, 0];
    // All that is asked for stands in the index's keys; there may be many of them.
    for await (const { bytes } of kept.project({ _id: 0, bytes: 1 })) {
      sum += bytes;
      if (++count % PAUSE_EACH === 0) await setImmediate();
    }
    return sum;
  };
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
