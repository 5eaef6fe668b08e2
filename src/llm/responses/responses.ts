import { contentHash } from '../../base/canonical.js';
import type { Document } from '../../base/document.js';
import type { Value, ValueObject } from '../../base/values.js';
import type { Draft } from '../../documents/draft.js';
import { takeMade } from '../../documents/take-document.js';
import type { ModelRequest, ModelUsage, ResponseCacheRule } from '../contract.js';
import { requestHash } from '../request-hash.js';
import { entryId } from '../semantic/entry.js';
import { CacheSizes } from './cache-sizes.js';

/** Bytes that the kept answers of one integration may take. */
export const RESPONSES_BYTES_MAX = 64 * 2 ** 20;
/** Answers under way, or not committed yet, that equal requests may share. */
const SHARED_MAX = 10_000;
/** Entries that make way for one new one, at most. */
const EVICTED_MAX = 1_000;
/** Of what they may take, so much is made free at once. */
const ROOM_SHARE = 1 / 16;

/** An answer that is kept. Its id is `cached_response:` and a hash of what was asked of whom. */
export interface CachedResponse extends Document {
  readonly _type: 'cached_response';
  /** The integration's id: sizes are bound by it. */
  readonly scope: string;
  readonly request_hash: string;
  readonly response: ValueObject;
  /** What it came to in tokens, money and time, and what each use of it saves. */
  readonly saves: Savings & ValueObject;
  readonly bytes: number;
  /** When it was given: ISO 8601. */
  readonly at: string;
}

export type Savings = {
  readonly [figure in keyof ModelUsage | 'cost_usd' | 'latency_ms']?: number;
};

/** An answer and what it came to. */
export interface Kept {
  readonly response: ValueObject;
  readonly saves: Savings;
}

/** Where the answer to one request is kept. */
export interface Slot {
  readonly id: string;
  readonly scope: string;
  readonly requestHash: string;
  readonly maxAgeMs: number | undefined;
  readonly maxBytes: number;
}

/**
 * The slot of a request, of one revision of an integration: another revision knows nothing
 * of the answers before it, nor does another `also`. Undefined where answers are not to be kept: nobody said so, or
 * the model is free to say something else the next time.
 */
export function slotOf(
  { _id, _rev }: Document,
  request: ModelRequest,
  said: boolean | ResponseCacheRule | undefined,
  also?: ValueObject,
): Slot | undefined {
  if (said === undefined || said === false) return undefined;
  const { max_age_ms, max_bytes, always }: ResponseCacheRule = said === true ? {} : said;
  if (request.settings.temperature !== 0 && !always) return undefined;
  const hash = requestHash(request);
  return {
    id: `cached_response:${contentHash([_id, _rev, also ?? null, hash, request.key ?? null])}`,
    scope: _id,
    requestHash: hash,
    maxAgeMs: max_age_ms,
    maxBytes: max_bytes ?? RESPONSES_BYTES_MAX,
  };
}

/** What becomes of an answer. */
export interface Keeping {
  readonly isSound: (response: ValueObject) => boolean;
  readonly leave: (write: (draft: Draft) => void) => void;
}

/** What the cache reads of the store. */
export interface ResponsesDeps {
  get(id: string): Document | undefined;
  /** The oldest kept answers of a scope. */
  oldest(scope: string, limit: number): Promise<readonly Pick<CachedResponse, '_id' | 'bytes'>[]>;
  /** What all of a scope take together. */
  bytesOf(scope: string): Promise<number>;
  /** True when no other process has the store open. */
  isAlone(): boolean;
  /** The newest commit that `get` sees. */
  readonly seq: number;
}

/** An answer under way, or not committed yet. */
interface Making {
  readonly made: Promise<Kept>;
  readonly isSound: Keeping['isSound'];
}

/**
 * Answers that are kept as documents, and those that are under way: equal requests at one
 * time are asked once.
 */
export class Responses {
  readonly #deps: ResponsesDeps;
  readonly #sizes: CacheSizes;
  readonly #shared = new Map<string, Making>();
  /** What was not there when it was last looked for: most are looked for twice at one time. */
  #missing: { readonly id: string; readonly seq: number } | undefined;

  constructor(deps: ResponsesDeps) {
    this.#deps = deps;
    this.#sizes = new CacheSizes((scope) => deps.bytesOf(scope), deps.isAlone);
  }

  /**
   * What is kept for the slot and young enough, or under way: that gives undefined when it
   * comes to nothing. Undefined at once, so that whoever asks can `make` it before others ask.
   */
  find(slot: Slot, nowMs: number): Promise<Kept | undefined> | undefined {
    const stored = this.stored(slot, nowMs);
    if (stored) return Promise.resolve(stored);
    const shared = this.#shared.get(slot.id);
    // One that waits asks for itself when that fails: its own limits may be others.
    return shared?.made.then(
      (kept) => (shared.isSound(kept.response) ? kept : undefined),
      () => undefined,
    );
  }

  /** What is kept for the slot and young enough. */
  stored({ id, maxAgeMs = Number.POSITIVE_INFINITY }: Slot, nowMs: number): Kept | undefined {
    const { seq } = this.#deps;
    if (this.#missing?.id === id && this.#missing.seq === seq) return undefined;
    const stored = this.#deps.get(id) as CachedResponse | undefined;
    if (!stored) this.#missing = { id, seq };
    return stored && Date.parse(stored.at) + maxAgeMs > nowMs ? stored : undefined;
  }

  /**
   * Makes the answer, and shares it with equal requests until it is stored.
   *
   * @param isSound false for an answer that is not to be given again
   * @param leave takes the write that stores it, for the commit of whoever asked
   */
  make(slot: Slot, make: () => Promise<Kept>, { isSound, leave }: Keeping): Promise<Kept> {
    const making: Making = { made: make(), isSound };
    this.#share(slot, making);
    return making.made.then(
      (kept) => {
        if (isSound(kept.response)) return this.#keep(slot, kept, making, leave);
        this.#forget(slot, making);
        return kept;
      },
      (error) => {
        this.#forget(slot, making);
        throw error;
      },
    );
  }

  #keep(slot: Slot, kept: Kept, making: Making, leave: Keeping['leave']): Kept | Promise<Kept> {
    const bytes = bytesOf(kept.response);
    const leaveIt = (evicted: readonly string[]) => {
      leave(this.#write(slot, kept, { bytes, evicted }, making));
      return kept;
    };
    if (this.#sizes.over(slot, bytes) === 0) return leaveIt(NONE);
    return this.#evicted(slot, bytes).then(leaveIt, (error) => {
      this.#forget(slot, making);
      throw error;
    });
  }

  /** One whose commit never came makes way for it, the oldest first. */
  #share({ id }: Slot, shared: Making): void {
    const [oldest] = this.#shared.size < SHARED_MAX ? [] : this.#shared.keys();
    if (oldest !== undefined) this.#shared.delete(oldest);
    this.#shared.set(id, shared);
  }

  #forget({ id }: Slot, shared: Making): void {
    if (this.#shared.get(id) === shared) this.#shared.delete(id);
  }

  #write(
    slot: Slot,
    { response, saves }: Kept,
    { bytes, evicted }: Room,
    making: Making,
  ): (draft: Draft) => void {
    return (draft) => {
      this.#forget(slot, making);
      if (bytes > slot.maxBytes) return;
      const freed = store(draft, slot, { response, saves, bytes, evicted });
      this.#sizes.add(slot.scope, bytes, freed);
    };
  }

  /** The oldest ones that make way for so many bytes, and for some of those to come. */
  async #evicted(slot: Slot, bytes: number): Promise<string[]> {
    const oldest = await this.#deps.oldest(slot.scope, EVICTED_MAX);
    if (oldest.length < EVICTED_MAX) this.#sizes.set(slot.scope, sumOf(oldest));
    let left = this.#sizes.over(slot, bytes);
    if (left > 0) left = Math.max(left, slot.maxBytes * ROOM_SHARE);
    const ids: string[] = [];
    for (const one of oldest) {
      if (left <= 0) break;
      left -= one.bytes;
      ids.push(one._id);
    }
    return ids;
  }
}

function sumOf(kept: readonly { readonly bytes: number }[]): number {
  return kept.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** About what a value takes as JSON, without making that of it. */
function bytesOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 3;
  if (typeof value !== 'object' || value === null) return SMALL_BYTES;
  let bytes = 2;
  for (const name in value) {
    const item = (value as ValueObject)[name];
    if (item !== undefined) bytes += name.length + 4 + bytesOf(item);
  }
  return bytes;
}

/** What a number, true, false or null takes, roughly. */
const SMALL_BYTES = 4;

const NONE: readonly string[] = [];

/** What it takes to keep an answer. */
interface Room {
  readonly bytes: number;
  readonly evicted: readonly string[];
}

type Stored = Kept & Room;

/** Gives how many bytes others made free. */
function store(draft: Draft, slot: Slot, { response, saves, bytes, evicted }: Stored): number {
  const { id, scope, requestHash: request_hash } = slot;
  const freed = remove(draft, id) + evicted.reduce((sum, each) => sum + remove(draft, each), 0);
  const at = new Date(draft.at).toISOString();
  const facts = { _id: id, _type: 'cached_response', scope, request_hash, bytes, at };
  draft.put(takeMade({ ...facts, response, saves }));
  return freed;
}

function remove(draft: Draft, id: string): number {
  const removed = draft.remove(id) as CachedResponse | undefined;
  if (!removed) return 0;
  draft.remove(entryId(id));
  return removed.bytes;
}
