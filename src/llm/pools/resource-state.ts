import { type Circuit, CLOSED, ended, entered, waitFor } from './circuit.js';
import type { Pool, Resource } from './pool-document.js';
import { admit, correct } from './rate.js';

/**
 * What is known of a resource, kept as a document: processes that share the store share
 * its limits, and anyone can query how it does. It has one size, however many calls are
 * under way.
 */
export interface ResourceState {
  /** See `rate.ts`. */
  readonly requests_until: number;
  readonly tokens_until: number;
  /** Calls under way. */
  readonly in_flight: number;
  /** Whose they are, by the openers of the store. */
  readonly holders: { readonly [owner: string]: Holder };
  /** The provider asked to be left alone until then, in milliseconds since the epoch. */
  readonly blocked_until: number;
  readonly circuit: Circuit;
  /** A moving average over about the last ten calls, in milliseconds; 0 before the first. */
  readonly latency_ms: number;
  readonly calls: number;
  readonly failures: number;
  /** When it was last chosen: the number of the choice. */
  readonly chosen: number;
}

export type Holder = {
  readonly calls: number;
  /** One that began none until then died with those under way; milliseconds since the epoch. */
  readonly until: number;
};

/** A call that asks to be let through. */
export interface Ticket {
  /** Who makes it. */
  readonly owner: string;
  readonly tokens: number;
}

/** How long an opener's calls count as under way when it begins no other, in milliseconds. */
const HOLDER_MS = 15 * 60_000;

/** How a call ended, as far as its resource is concerned. */
export interface CallEnd {
  /** True for what is the resource's fault: 429, 5xx, time-outs, broken answers. */
  readonly isFailure: boolean;
  /** What was used; absent where nobody knows, and the reserved count stands. */
  readonly tokens?: number | undefined;
  readonly latency_ms: number;
  /** What the provider asked to wait, in milliseconds. */
  readonly retry_after_ms?: number | undefined;
}

export const FRESH: ResourceState = {
  requests_until: 0,
  tokens_until: 0,
  in_flight: 0,
  holders: {},
  blocked_until: 0,
  circuit: CLOSED,
  latency_ms: 0,
  calls: 0,
  failures: 0,
  chosen: 0,
};

/** The weight of the newest call in the average latency. */
const LATENCY_WEIGHT = 0.2;

/**
 * The state after a call went through, or how long it has to wait in milliseconds and
 * what for; a wait without end is `Infinity`: something that is under way must end first.
 */
export function enter(
  state: ResourceState,
  { resource, pool, ticket, chosen, now }: Entering,
): ResourceState | Blocked {
  const alive = holdersAt(state, now);
  const in_flight = callsOf(alive);
  const { concurrency = Infinity, rate_limit, tokens_per_minute } = resource;
  const rest = Math.max(waitFor(state.circuit, now), state.blocked_until - now);
  if (rest > 0) return { waitMs: rest, why: state.blocked_until > now ? 'retry-after' : 'circuit' };
  if (in_flight >= concurrency) return { waitMs: Infinity, why: 'concurrency' };
  const requests = admitted(state.requests_until, 1, rate_limit, now);
  if ('waitMs' in requests) return { waitMs: requests.waitMs, why: 'rate_limit' };
  // Not read where nothing limits them: tokens are counted.
  const cost = tokens_per_minute === undefined ? 0 : ticket.tokens;
  const tokens = admitted(state.tokens_until, cost, tokens_per_minute, now);
  if ('waitMs' in tokens) return { waitMs: tokens.waitMs, why: 'tokens_per_minute' };
  const { blocked_until, latency_ms, calls, failures } = state;
  // Written out, as every call makes two of them: to spread so many is slow.
  return {
    requests_until: requests.until,
    tokens_until: tokens.until,
    in_flight: in_flight + 1,
    holders: withHolder(alive, ticket.owner, oneMore(alive[ticket.owner], now)),
    blocked_until,
    circuit: entered(state.circuit, now, pool.circuit),
    latency_ms,
    calls,
    failures,
    chosen,
  };
}

interface Entering {
  readonly resource: Resource;
  readonly pool: Pool;
  readonly ticket: Ticket;
  /** The number of this choice. */
  readonly chosen: number;
  readonly now: number;
}

export interface Blocked {
  readonly waitMs: number;
  readonly why: 'circuit' | 'retry-after' | 'concurrency' | 'rate_limit' | 'tokens_per_minute';
}

/** The state after a call has ended. */
export function leave(
  state: ResourceState,
  {
    resource,
    pool,
    ticket,
    end,
    now,
  }: { resource: Resource; pool: Pool; ticket: Ticket; end: CallEnd; now: number },
): ResourceState {
  const { tokens_per_minute } = resource;
  const { isFailure, latency_ms, retry_after_ms = 0 } = end;
  const holders = oneLess(holdersAt(state, now), ticket.owner);
  const { requests_until, chosen } = state;
  return {
    requests_until,
    tokens_until:
      tokens_per_minute === undefined
        ? state.tokens_until
        : correct(state.tokens_until, unusedOf(ticket, end), tokens_per_minute),
    in_flight: callsOf(holders),
    holders,
    blocked_until:
      retry_after_ms > 0
        ? Math.max(state.blocked_until, now + retry_after_ms)
        : state.blocked_until,
    circuit: ended(state.circuit, isFailure, now, pool.circuit),
    latency_ms: isFailure ? state.latency_ms : averaged(state.latency_ms, latency_ms),
    calls: state.calls + 1,
    failures: state.failures + (isFailure ? 1 : 0),
    chosen,
  };
}

function unusedOf({ tokens }: Ticket, end: CallEnd): number {
  return end.tokens === undefined ? 0 : tokens - end.tokens;
}

/** The state when nobody but `owner` has calls under way. */
export function onlyOf(state: ResourceState, owner: string): ResourceState {
  const own = state.holders[owner];
  const holders = own ? { [owner]: own } : {};
  return { ...state, holders, in_flight: callsOf(holders) };
}

/** The state after a call that went through when somebody else counted. */
export function wasAdmitted(
  state: ResourceState,
  { rate_limit, tokens_per_minute }: Resource,
  { tokens, at }: { readonly tokens: number; readonly at: number },
): ResourceState {
  const filled = (until: number, cost: number, limit: number | undefined) =>
    limit === undefined ? until : correct(Math.max(until, at), -cost, limit);
  return {
    ...state,
    requests_until: filled(state.requests_until, 1, rate_limit),
    tokens_until: filled(state.tokens_until, tokens, tokens_per_minute),
  };
}

type Holders = ResourceState['holders'];

function holdersAt({ holders }: ResourceState, now: number): Holders {
  for (const owner in holders) {
    if ((holders[owner] as Holder).until <= now) return onlyAlive(holders, now);
  }
  return holders;
}

function onlyAlive(holders: Holders, now: number): Holders {
  return Object.fromEntries(Object.entries(holders).filter(([, { until }]) => until > now));
}

function callsOf(holders: Holders): number {
  let sum = 0;
  for (const owner in holders) sum += (holders[owner] as Holder).calls;
  return sum;
}

function oneMore(holder: Holder | undefined, now: number): Holder {
  return { calls: (holder?.calls ?? 0) + 1, until: now + HOLDER_MS };
}

function oneLess(holders: Holders, owner: string): Holders {
  const holder = holders[owner];
  if (holder && holder.calls > 1) {
    return withHolder(holders, owner, { calls: holder.calls - 1, until: holder.until });
  }
  const others: { [owner: string]: Holder } = {};
  for (const other in holders) if (other !== owner) others[other] = holders[other] as Holder;
  return others;
}

function withHolder(holders: Holders, owner: string, holder: Holder): Holders {
  const all: { [owner: string]: Holder } = {};
  for (const other in holders) all[other] = holders[other] as Holder;
  all[owner] = holder;
  return all;
}

function admitted(until: number, cost: number, limit: number | undefined, now: number) {
  return limit === undefined ? { until } : admit(until, cost, limit, now);
}

function averaged(before: number, latest: number): number {
  return before === 0 ? latest : before + LATENCY_WEIGHT * (latest - before);
}
