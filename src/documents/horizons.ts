import type { Value } from '../base/values.js';
import type { Horizon } from '../history/past-state.js';
import type { View } from './view.js';

/**
 * By type, the commit from which on kept revisions tell all that was: it rises when
 * retention forgets revisions. Stored under the name `horizons` as `{ type: [seq, at] }`.
 */
export type Horizons = ReadonlyMap<string, Horizon>;

const START: Horizon = { seq: 0, at: Number.NEGATIVE_INFINITY };

export function decodeHorizons(stored: Value | undefined): Horizons {
  const pairs = Object.entries((stored ?? {}) as Record<string, [number, number]>);
  return new Map(pairs.map(([type, [seq, at]]) => [type, { seq, at }]));
}

export function encodeHorizons(horizons: Horizons): Value {
  return Object.fromEntries([...horizons].map(([type, { seq, at }]) => [type, [seq, at]]));
}

/** The horizon of a type; for no type, the latest of all. */
export function readHorizons(view: View): (type: string | undefined) => Horizon {
  const horizons = decodeHorizons(view.engine.named('horizons'));
  const latest = [...horizons.values()].reduce(later, START);
  return (type) => (type === undefined ? latest : (horizons.get(type) ?? START));
}

export function later(one: Horizon, other: Horizon): Horizon {
  return one.seq >= other.seq ? one : other;
}
