import type { Price } from '../contract.js';
import type { Resource, Strategy } from './pool-document.js';
import type { ResourceState } from './resource-state.js';

/** A resource that could take the call, as a strategy sees it. */
export interface Candidate {
  readonly resource: Resource;
  readonly state: ResourceState;
  /** Where it stands in the pool. */
  readonly place: number;
  readonly price: Price | undefined;
}

/** The candidates, the one to try first in front; equal ones in the order of the pool. */
export function ordered(
  candidates: readonly Candidate[],
  strategy: Strategy,
  random: () => number,
): Candidate[] {
  const rank = RANKS[strategy](random);
  return candidates
    .map((candidate) => ({ candidate, rank: rank(candidate) }))
    .sort((left, right) => left.rank - right.rank || left.candidate.place - right.candidate.place)
    .map(({ candidate }) => candidate);
}

/** The lowest comes first. */
type Rank = (candidate: Candidate) => number;

const RANKS: Readonly<Record<Strategy, (random: () => number) => Rank>> = {
  /** The one that was chosen longest ago. */
  round_robin:
    () =>
    ({ state }) =>
      state.chosen,
  /**
   * Exponential races: the one whose clock rings first wins with a chance in proportion to
   * its weight (P. Efraimidis, P. Spirakis, "Weighted random sampling with a reservoir", 2006).
   */
  weighted:
    (random) =>
    ({ resource }) =>
      -Math.log(1 - random()) / (resource.weight ?? 1),
  least_busy:
    () =>
    ({ state, resource }) =>
      state.in_flight / (resource.concurrency ?? 1_000_000),
  /** By the price of a call with as much answer as question; what has no price comes last. */
  cheapest:
    () =>
    ({ price }) =>
      price ? price.input_per_million + price.output_per_million : Number.MAX_VALUE,
  /** What was never called is tried first, or its speed would never be known. */
  fastest:
    () =>
    ({ state }) =>
      state.latency_ms,
};
