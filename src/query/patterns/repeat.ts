import type { Subject } from './subject.js';
import type { CharSet, Node } from './syntax.js';

/** Goes on from a place; true when the rest matched. */
export type Next = (at: number) => boolean;
/** Matches at a place and goes on behind it, way by way, until one leads to the end. */
export type Run = (at: number, next: Next) => boolean;

type Repeat = Extract<Node, { kind: 'repeat' }>;

/** One character over and over needs no recursion: its places lie side by side. */
export function repeatSet(subject: Subject, { least, most, mode }: Repeat, set: CharSet): Run {
  return (at, next) => {
    const places = [at];
    const grow = (): boolean => {
      const last = places.at(-1) as number;
      if (places.length > most || !subject.matches(set, last)) return false;
      places.push(last + subject.width(last));
      return true;
    };
    while (places.length <= least) if (!grow()) return false;
    if (mode === 'lazy') {
      do if (next(places.at(-1) as number)) return true;
      while (grow());
      return false;
    }
    while (grow());
    for (let count = places.length - 1; count >= least; count--) {
      subject.step();
      if (next(places[count] as number)) return true;
    }
    return false;
  };
}

export function repeatAny(subject: Subject, { least, most, mode }: Repeat, run: Run): Run {
  const again = (count: number, at: number, next: Next): boolean => {
    subject.step();
    const more = () =>
      count < most &&
      // A turn that takes nothing would go on for ever.
      run(at, (then) => (then > at || count < least) && again(count + 1, then, next));
    if (count < least) return more();
    return mode === 'lazy' ? next(at) || more() : more() || next(at);
  };
  return (at, next) => again(0, at, next);
}

/** The first way through is the only one. */
export function atomic(run: Run): Run {
  return (at, next) => {
    let end = -1;
    const done = run(at, (then) => {
      end = then;
      return true;
    });
    return done && next(end);
  };
}
