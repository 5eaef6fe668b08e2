/**
 * An empty plain object with room for so many properties. To one made by `{}` V8 adds properties
 * one by one to a list beside it, which it makes anew every few, and past sixteen it goes over to a
 * hash table: copying an object of 23 properties takes five times as long that way.
 */
export function roomyObject<V>(properties: number): Record<string, V> {
  if (properties <= USUAL) return {};
  const size = Math.min(properties, LARGEST);
  makers[size] ??= makerOf(size);
  return new makers[size]() as Record<string, V>;
}

/** What `{}` has room for. */
const USUAL = 4;
const LARGEST = 64;
/** V8 looks at the first seven objects of a constructor to tell how much room the others get. */
const SAMPLES = 8;

type Maker = new () => object;

const makers: Maker[] = new Array(LARGEST + 1);

function makerOf(size: number): Maker {
  // One of its own for each size; what it makes is otherwise like what `{}` makes.
  function Plain(): void {}
  Plain.prototype = Object.prototype;
  const maker = Plain as unknown as Maker;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const object = new maker() as Record<string, number>;
    for (let at = 0; at < size; at++) object[`_${at}`] = at;
  }
  return maker;
}
