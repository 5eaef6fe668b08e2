import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Draft } from '../../documents/draft.js';
import type { Price } from '../contract.js';
import type { Left } from '../counting/calls-file.js';
import type { Counts, Hold, Submit } from '../counting/hold.js';
import { canTake, type PoolNeed } from './abilities.js';
import { MemoryStates } from './memory-states.js';
import {
  type Pool,
  QUEUE_MAX_DEFAULT,
  type Resource,
  STRATEGIES,
  type Strategy,
} from './pool-document.js';
import {
  type CallEnd,
  enter,
  leave,
  type ResourceState,
  type Ticket,
  wasAdmitted,
} from './resource-state.js';
import { type StateTable, stateId, stateTableOf } from './state-table.js';
import { type Candidate, ordered } from './strategy.js';
import { WaitingLine } from './waiting-line.js';

/** How soon to look whether another process has let go of a resource, in milliseconds. */
const LOOK_MS = 250;
/** How far the documents may be behind what memory counts, in milliseconds. */
const BEHIND_MS = 250;

export interface AcquireInput {
  readonly pool: Pool;
  readonly need: PoolNeed;
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
  /** Tells how the call ended. A promise where something is written down at once. */
  release(end: CallEnd): void | Promise<void>;
}

export interface PoolsDeps {
  readonly submit: Submit;
  readonly get: (id: string) => Document | undefined;
  /** Says whether memory counts. */
  readonly hold: Hold;
  /** Names this opener of the store. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** The price of a resource, where one is known. */
  readonly priceOf?: ((resource: Resource) => Price | undefined) | undefined;
}

/** Finds resources for calls within the limits that their pools set. */
export class Pools implements Counts {
  readonly #deps: PoolsDeps;
  readonly #lines = new Map<string, WaitingLine>();
  readonly #memory: MemoryStates;
  #writing: NodeJS.Timeout | undefined;

  constructor(deps: PoolsDeps) {
    this.#deps = deps;
    const { get, now, owner, hold } = deps;
    this.#memory = new MemoryStates(get, now, owner);
    hold.add(this);
  }

  /**
   * Takes one of the pool's resources, at once or as soon as one may take the call.
   *
   * @throws {JdbxError} POOL_FULL when too many wait; POOL_EXHAUSTED when none of the resources
   * can ever take the call; or the signal's reason
   */
  acquire(input: AcquireInput): Lease | Promise<Lease> {
    const { pool, priority = 0, signal } = input;
    const max = pool.queue_max ?? QUEUE_MAX_DEFAULT;
    const waiting = { priority, signal, max, full: () => full(pool, max) };
    const taken = this.#lineOf(pool._id).wait(() => this.#attempt(input), waiting);
    return taken instanceof Promise
      ? taken.then((one) => this.#leased(input, one))
      : this.#leased(input, taken);
  }

  #leased(input: AcquireInput, { resource, told }: Taken): Lease | Promise<Lease> {
    const lease: Lease = { resource, release: (end) => this.#release(input, resource, end) };
    return told ? orRelease(told, lease) : lease;
  }

  /** How many calls wait for the pool in this process. */
  waiting(pool: string): number {
    return this.#lines.get(pool)?.length ?? 0;
  }

  /** What is known of a resource now. */
  stateOf(pool: string, resource: string): ResourceState | undefined {
    const { hold, get } = this.#deps;
    if (hold.isMine) return this.#memory.read(pool, resource);
    return get(stateId(pool, resource)) as (Document & ResourceState) | undefined;
  }

  write(draft: Draft): void {
    this.#memory.into(draft);
  }

  clear(): void {
    this.#memory.clear();
    clearTimeout(this.#writing);
    this.#writing = undefined;
  }

  recoverInto(draft: Draft, { admitted }: Left): void {
    const table = stateTableOf(draft);
    // Before any of them is written anew.
    const unwritten = admitted.filter(({ pool, resource, at }) => {
      const written_at = draft.get(stateId(pool, resource))?.written_at ?? 0;
      return (written_at as number) <= at;
    });
    for (const call of unwritten) {
      const pool = draft.get(call.pool) as Pool | undefined;
      const resource = pool?.resources.find(({ id }) => id === call.resource);
      if (!resource) continue;
      const state = table.read(call.pool, call.resource);
      table.write(call.pool, call.resource, wasAdmitted(state, resource, call));
    }
  }

  #attempt(input: AcquireInput): Taken | number | Promise<Taken | number> {
    return this.#count((table) => this.#choose(table, input));
  }

  #count<T>(work: (table: StateTable) => T): T | Promise<T> {
    const { hold } = this.#deps;
    if (hold.isMine) return this.#inMemory(work);
    return hold.count(
      () => this.#inMemory(work),
      (draft) => work(stateTableOf(draft)),
    );
  }

  #inMemory<T>(work: (table: StateTable) => T): T {
    const result = work(this.#memory);
    this.#writing ??= this.#writeLater();
    return result;
  }

  /** Takes the first resource that lets the call through, or tells when to look again. */
  #choose(table: StateTable, input: AcquireInput): Taken | number {
    const { pool, need } = input;
    const candidates = this.#candidates(table, input);
    if (candidates.length === 0) throw exhausted(pool, input);
    let waitMs = Number.POSITIVE_INFINITY;
    const ticket = new CallTicket(this.#deps.owner, need);
    const chosen = lastChoice(candidates) + 1;
    for (const { resource, state } of candidates) {
      const entered = enter(state, { resource, pool, ticket, chosen, now: table.at });
      if ('waitMs' in entered) waitMs = Math.min(waitMs, entered.waitMs);
      else {
        table.write(pool._id, resource.id, entered);
        const told = table === this.#memory ? this.#tellFile(pool, resource, need) : undefined;
        return { resource, told };
      }
    }
    return waitMs === Number.POSITIVE_INFINITY ? LOOK_MS : waitMs;
  }

  /** What was let through within a minute counts, even when this process is killed. */
  #tellFile({ _id }: Pool, resource: Resource, need: PoolNeed): Promise<void> | undefined {
    const { id, rate_limit, tokens_per_minute } = resource;
    if (rate_limit === undefined && tokens_per_minute === undefined) return undefined;
    const tokens = tokens_per_minute === undefined ? 0 : need.tokens;
    return this.#deps.hold.file?.admit({ pool: _id, resource: id, tokens, at: this.#deps.now() });
  }

  #writeLater(): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#writing = undefined;
      // A store that fails is told to whoever commits next.
      this.#writeNow().catch(() => {});
    }, BEHIND_MS);
    return timer.unref();
  }

  async #writeNow(): Promise<void> {
    if (!this.#deps.hold.isMine || !this.#memory.hasNews) return;
    const until = this.#deps.now() - 1;
    let undo = () => {};
    try {
      await this.#deps.submit((draft) => {
        undo = this.#memory.into(draft);
      });
      this.#deps.hold.file?.forgetAdmitted(until);
    } catch (error) {
      undo();
      throw error;
    }
  }

  #candidates(table: StateTable, { pool, need, exclude, first }: AcquireInput): Candidate[] {
    const { random, priceOf } = this.#deps;
    const able: Candidate[] = [];
    for (const [place, resource] of pool.resources.entries()) {
      if (exclude?.has(resource.id) || !canTake(resource, need)) continue;
      const state = table.read(pool._id, resource.id);
      able.push({ resource, place, state, price: priceOf?.(resource) });
    }
    if (able.length < 2) return able;
    const isFirst = ({ resource }: Candidate) => resource.id === first;
    const others = ordered(able, strategyOf(pool), random);
    return [...others.filter(isFirst), ...others.filter((one) => !isFirst(one))];
  }

  #release({ pool, need }: AcquireInput, resource: Resource, end: CallEnd): void | Promise<void> {
    const ticket = new CallTicket(this.#deps.owner, need);
    const isUrgent = this.#count((table) => {
      const state = table.read(pool._id, resource.id);
      const left = leave(state, { resource, pool, ticket, end, now: table.at });
      table.write(pool._id, resource.id, left);
      const { circuit, blocked_until } = state;
      return left.circuit.state !== circuit.state || left.blocked_until !== blocked_until;
    });
    if (isUrgent !== false) return this.#wakeAfter(pool, isUrgent);
    this.#lines.get(pool._id)?.wake();
  }

  async #wakeAfter(pool: Pool, isUrgent: boolean | Promise<boolean>): Promise<void> {
    if (await isUrgent) await this.#writeNow();
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

/** A resource that let the call through, which goes out once that is `told`. */
interface Taken {
  readonly resource: Resource;
  readonly told: Promise<void> | undefined;
}

/** The tokens are counted when somebody asks for them. */
class CallTicket implements Ticket {
  readonly owner: string;
  readonly #need: PoolNeed;

  constructor(owner: string, need: PoolNeed) {
    this.owner = owner;
    this.#need = need;
  }

  get tokens(): number {
    return this.#need.tokens;
  }
}

async function orRelease(told: Promise<void>, lease: Lease): Promise<Lease> {
  try {
    await told;
    return lease;
  } catch (error) {
    await lease.release({ isFailure: false, tokens: 0, latency_ms: 0 });
    throw error;
  }
}

/** The number of the newest choice among them. */
function lastChoice(candidates: readonly Candidate[]): number {
  let last = 0;
  for (const { state } of candidates) if (state.chosen > last) last = state.chosen;
  return last;
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
