import { JdbxError } from '../../base/errors.js';
import type { Draft } from '../../documents/draft.js';
import type { Price } from '../contract.js';
import { canTake, type PoolNeed } from './abilities.js';
import {
  type Pool,
  QUEUE_MAX_DEFAULT,
  type Resource,
  STRATEGIES,
  type Strategy,
} from './pool-document.js';
import { type CallEnd, enter, leave, readState, writeState } from './resource-state.js';
import { type Candidate, ordered } from './strategy.js';
import { WaitingLine } from './waiting-line.js';

/** How long a call counts as under way when nobody says that it ended, in milliseconds. */
const TICKET_MS = 15 * 60_000;
/** How soon to look whether another process has let go of a resource, in milliseconds. */
const LOOK_MS = 250;

export interface AcquireInput {
  readonly pool: Pool;
  readonly need: PoolNeed;
  /** Names the call, so that it is let go once. */
  readonly id: string;
  /** Resources that failed this call before. */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** The resource that a transformer picked; tried before the others. */
  readonly first?: string | undefined;
  /** A higher one goes first. Default 0. */
  readonly priority?: number | undefined;
  readonly signal: AbortSignal;
}

/** A resource that was found for a call, until `release`. */
export interface Lease {
  readonly resource: Resource;
  /** Tells how the call ended. */
  release(end: CallEnd): Promise<void>;
}

export interface PoolsDeps {
  readonly submit: <T>(plan: (draft: Draft) => T) => Promise<T>;
  readonly random: () => number;
  /** The price of a resource, where one is known. */
  readonly priceOf?: ((resource: Resource) => Price | undefined) | undefined;
}

/** Finds resources for calls within the limits that their pools set. */
export class Pools {
  readonly #deps: PoolsDeps;
  readonly #lines = new Map<string, WaitingLine>();

  constructor(deps: PoolsDeps) {
    this.#deps = deps;
  }

  /**
   * Waits until one of the pool's resources may take the call, and takes it.
   *
   * @throws {JdbxError} POOL_FULL when too many wait; POOL_EXHAUSTED when none of the resources
   * can ever take the call; or the signal's reason
   */
  async acquire(input: AcquireInput): Promise<Lease> {
    const { pool, priority = 0, signal } = input;
    const line = this.#lineOf(pool._id);
    if (line.length >= (pool.queue_max ?? QUEUE_MAX_DEFAULT)) throw full(pool, line.length);
    const resource = await line.wait(() => this.#attempt(input), { priority, signal });
    return { resource, release: (end) => this.#release(input, resource, end) };
  }

  /** How many calls wait for the pool in this process. */
  waiting(pool: string): number {
    return this.#lines.get(pool)?.length ?? 0;
  }

  #attempt(input: AcquireInput): Promise<Resource | number> {
    return this.#deps.submit((draft) => this.#choose(draft, input));
  }

  /** Takes the first resource that lets the call through, or tells when to look again. */
  #choose(draft: Draft, input: AcquireInput): Resource | number {
    const { pool, need, id } = input;
    const candidates = this.#candidates(draft, input);
    if (candidates.length === 0) throw exhausted(pool, input);
    const ticket = { id, tokens: need.tokens, until: draft.at + TICKET_MS };
    let waitMs = Number.POSITIVE_INFINITY;
    for (const { resource, state } of candidates) {
      const entered = enter(state, { resource, pool, ticket, now: draft.at });
      if ('waitMs' in entered) waitMs = Math.min(waitMs, entered.waitMs);
      else {
        const chosen = Math.max(...candidates.map((one) => one.state.chosen)) + 1;
        writeState(draft, pool._id, resource.id, { ...entered, chosen });
        return resource;
      }
    }
    return waitMs === Number.POSITIVE_INFINITY ? LOOK_MS : waitMs;
  }

  #candidates(draft: Draft, { pool, need, exclude, first }: AcquireInput): Candidate[] {
    const { random, priceOf } = this.#deps;
    const able = pool.resources
      .map((resource, place) => ({
        resource,
        place,
        state: readState(draft, pool._id, resource.id),
        price: priceOf?.(resource),
      }))
      .filter(({ resource }) => !exclude?.has(resource.id) && canTake(resource, need));
    const isFirst = ({ resource }: Candidate) => resource.id === first;
    const others = ordered(able, strategyOf(pool), random);
    return [...others.filter(isFirst), ...others.filter((one) => !isFirst(one))];
  }

  async #release({ pool, id }: AcquireInput, resource: Resource, end: CallEnd): Promise<void> {
    await this.#deps.submit((draft) => {
      const state = readState(draft, pool._id, resource.id);
      const left = leave(state, { resource, pool, id, end, now: draft.at });
      writeState(draft, pool._id, resource.id, left);
    });
    this.#lines.get(pool._id)?.wake();
  }

  #lineOf(pool: string): WaitingLine {
    const known = this.#lines.get(pool);
    if (known) return known;
    const line = new WaitingLine();
    this.#lines.set(pool, line);
    return line;
  }
}

function strategyOf({ allocation_strategy: named }: Pool): Strategy {
  return STRATEGIES.find((known) => known === named) ?? 'round_robin';
}

function full(pool: Pool, waiting: number): JdbxError {
  const text = `expected room in the line of ${pool._id}, but ${waiting} calls wait already`;
  return new JdbxError('POOL_FULL', text, { details: { pool: pool._id, waiting } });
}

function exhausted(pool: Pool, { need, exclude }: AcquireInput): JdbxError {
  const asked = [`${need.tokens} tokens`, ...need.features].join(', ');
  const tried = exclude && exclude.size > 0 ? `, beside ${[...exclude].join(', ')}` : '';
  const text = `expected a resource of ${pool._id} that can take ${asked}${tried}`;
  return new JdbxError('POOL_EXHAUSTED', text, { details: { pool: pool._id } });
}
