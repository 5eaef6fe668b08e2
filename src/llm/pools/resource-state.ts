import type { Document, NewDocument } from '../../base/document.js';
import type { Draft } from '../../documents/draft.js';
import { takeDocument } from '../../documents/take-document.js';
import { type Circuit, CLOSED, ended, entered, waitFor } from './circuit.js';
import type { Pool, Resource } from './pool-document.js';
import { admit, correct } from './rate.js';

/**
 * What is known of a resource, kept as a document: processes that share the store share
 * its limits, and anyone can query how it does.
 */
export interface ResourceState {
  /** See `rate.ts`. */
  readonly requests_until: number;
  readonly tokens_until: number;
  /** Calls under way. One that is not over by `until` was forgotten by a process that died. */
  readonly in_flight: readonly Ticket[];
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

export interface Ticket {
  readonly id: string;
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

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

const FRESH: ResourceState = {
  requests_until: 0,
  tokens_until: 0,
  in_flight: [],
  blocked_until: 0,
  circuit: CLOSED,
  latency_ms: 0,
  calls: 0,
  failures: 0,
  chosen: 0,
};

/** The weight of the newest call in the average latency. */
const LATENCY_WEIGHT = 0.2;

export function readState(draft: Draft, pool: string, resource: string): ResourceState {
  const document = draft.get(stateId(pool, resource)) as (Document & ResourceState) | undefined;
  return { ...FRESH, ...document };
}

export function writeState(
  draft: Draft,
  pool: string,
  resource: string,
  state: ResourceState,
): void {
  const { _rev: _, ...fields } = state as ResourceState & { _rev?: number };
  const names = { _id: stateId(pool, resource), _type: 'pool_state', pool, resource };
  draft.put(takeDocument({ ...fields, ...names } as unknown as NewDocument));
}

/**
 * The state after a call went through, or how long it has to wait in milliseconds and
 * what for; a wait without end is `Infinity`: something that is under way must end first.
 */
export function enter(
  state: ResourceState,
  { resource, pool, ticket, now }: { resource: Resource; pool: Pool; ticket: Ticket; now: number },
): ResourceState | Blocked {
  const in_flight = state.in_flight.filter(({ until }) => until > now);
  const { concurrency = Infinity, rate_limit, tokens_per_minute } = resource;
  const rest = Math.max(waitFor(state.circuit, now), state.blocked_until - now);
  if (rest > 0) return { waitMs: rest, why: state.blocked_until > now ? 'retry-after' : 'circuit' };
  if (in_flight.length >= concurrency) return { waitMs: Infinity, why: 'concurrency' };
  const requests = admitted(state.requests_until, 1, rate_limit, now);
  if ('waitMs' in requests) return { waitMs: requests.waitMs, why: 'rate_limit' };
  const tokens = admitted(state.tokens_until, ticket.tokens, tokens_per_minute, now);
  if ('waitMs' in tokens) return { waitMs: tokens.waitMs, why: 'tokens_per_minute' };
  return {
    ...state,
    requests_until: requests.until,
    tokens_until: tokens.until,
    in_flight: [...in_flight, ticket],
    circuit: entered(state.circuit, now, pool.circuit),
  };
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
    id,
    end,
    now,
  }: { resource: Resource; pool: Pool; id: string; end: CallEnd; now: number },
): ResourceState {
  const ticket = state.in_flight.find((one) => one.id === id);
  const unused = ticket && end.tokens !== undefined ? ticket.tokens - end.tokens : 0;
  const { tokens_per_minute } = resource;
  const { isFailure, latency_ms, retry_after_ms = 0 } = end;
  return {
    ...state,
    in_flight: state.in_flight.filter((one) => one.id !== id),
    tokens_until:
      tokens_per_minute === undefined
        ? state.tokens_until
        : correct(state.tokens_until, unused, tokens_per_minute),
    blocked_until: Math.max(state.blocked_until, now + retry_after_ms),
    circuit: ended(state.circuit, isFailure, now, pool.circuit),
    latency_ms: isFailure ? state.latency_ms : averaged(state.latency_ms, latency_ms),
    calls: state.calls + 1,
    failures: state.failures + (isFailure ? 1 : 0),
  };
}

function admitted(until: number, cost: number, limit: number | undefined, now: number) {
  return limit === undefined ? { until } : admit(until, cost, limit, now);
}

function averaged(before: number, latest: number): number {
  return before === 0 ? latest : before + LATENCY_WEIGHT * (latest - before);
}

function stateId(pool: string, resource: string): string {
  return `pool_state:${pool}/${resource}`;
}
