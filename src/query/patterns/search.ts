import { lengthOf } from './parse.js';
import type { CharSet, Node, Pattern, Place } from './syntax.js';

/** Steps that one search may take; each is one character or one node looked at. */
export const STEPS_MAX = 10_000_000;

/** A match: where it starts and ends, and each capture's two places, in UTF-16 units. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly captures: readonly (readonly [number, number] | undefined)[];
}

/** A search took more than `STEPS_MAX` steps, or nested deeper than the stack. */
export class SearchTooLong extends Error {}

type Next = (at: number) => boolean;
type Run = (at: number, next: Next) => boolean;

/**
 * Finds the first match from a place on by trying every way in order, in a bounded
 * number of steps.
 *
 * @throws {SearchTooLong}
 */
export function search(pattern: Pattern, text: string, from: number): Found | undefined {
  try {
    return new Search(pattern, text).find(from);
  } catch (error) {
    if (error instanceof RangeError) throw new SearchTooLong('the search nests too deep');
    throw error;
  }
}

class Search {
  readonly #text: string;
  readonly #run: Run;
  #captures: ([number, number] | undefined)[];
  #steps = 0;

  constructor({ node, captures }: Pattern, text: string) {
    this.#text = text;
    this.#captures = new Array(captures).fill(undefined);
    this.#run = this.#compile(node);
  }

  find(from: number): Found | undefined {
    for (let start = from; start <= this.#text.length; start += this.#width(start)) {
      this.#captures.fill(undefined);
      let end = -1;
      const done = this.#run(start, (at) => {
        end = at;
        return true;
      });
      if (done) return { start, end, captures: [...this.#captures] };
    }
    return undefined;
  }

  #step(): void {
    if (++this.#steps > STEPS_MAX) throw new SearchTooLong(`the search took ${STEPS_MAX} steps`);
  }

  #width(at: number): number {
    return (this.#text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }

  #compile(node: Node): Run {
    switch (node.kind) {
      case 'set':
        return (at, next) => this.#matches(node, at) && next(at + this.#width(at));
      case 'sequence':
        return this.#sequence(node.nodes.map((each) => this.#compile(each)));
      case 'choice':
        return this.#choice(node.nodes.map((each) => this.#compile(each)));
      case 'group':
        return this.#group(this.#compile(node.node), node.capture - 1);
      case 'repeat':
        return this.#repeat(node);
      case 'place':
        return (at, next) => this.#isAt(node.place, at) && next(at);
      case 'look':
        return this.#look(node);
      case 'atomic':
        return this.#atomic(this.#compile(node.node));
      case 'back':
        return (at, next) => this.#back(node.capture - 1, node.folds, at, next);
      case 'condition':
        return this.#condition(node.capture - 1, this.#compile(node.yes), this.#compile(node.no));
    }
  }

  #matches(set: CharSet, at: number): boolean {
    this.#step();
    const point = this.#text.codePointAt(at);
    return point !== undefined && set.test(point);
  }

  #sequence(runs: readonly Run[]): Run {
    return runs.reduceRight<Run>(
      (rest, run) => (at, next) => run(at, (then) => rest(then, next)),
      (at, next) => next(at),
    );
  }

  #choice(runs: readonly Run[]): Run {
    return (at, next) => {
      this.#step();
      return runs.some((run) => run(at, next));
    };
  }

  #group(run: Run, capture: number): Run {
    return (at, next) => {
      const before = this.#captures[capture];
      const done = run(at, (end) => {
        const inner = this.#captures[capture];
        this.#captures[capture] = [at, end];
        return next(end) || this.#restore(capture, inner);
      });
      return done || this.#restore(capture, before);
    };
  }

  #restore(capture: number, value: [number, number] | undefined): false {
    this.#captures[capture] = value;
    return false;
  }

  #repeat(node: Extract<Node, { kind: 'repeat' }>): Run {
    const plain =
      node.node.kind === 'set' ? this.#repeatSet(node, node.node) : this.#repeatAny(node);
    return node.mode === 'possessive' ? this.#atomic(plain) : plain;
  }

  /** One character over and over needs no recursion: its places lie side by side. */
  #repeatSet(
    { least, most, mode }: { least: number; most: number; mode: string },
    set: CharSet,
  ): Run {
    return (at, next) => {
      const places = [at];
      const grow = (): boolean => {
        const last = places.at(-1) as number;
        if (places.length > most || !this.#matches(set, last)) return false;
        places.push(last + this.#width(last));
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
        this.#step();
        if (next(places[count] as number)) return true;
      }
      return false;
    };
  }

  #repeatAny({ node, least, most, mode }: Extract<Node, { kind: 'repeat' }>): Run {
    const run = this.#compile(node);
    const again = (count: number, at: number, next: Next): boolean => {
      this.#step();
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
  #atomic(run: Run): Run {
    return (at, next) => {
      let end = -1;
      const done = run(at, (then) => {
        end = then;
        return true;
      });
      return done && next(end);
    };
  }

  #look({ node, behind, not }: Extract<Node, { kind: 'look' }>): Run {
    const branches = node.kind === 'choice' ? node.nodes : [node];
    const runs = branches.map((each) => ({
      run: this.#compile(each),
      length: lengthOf(each) ?? 0,
    }));
    return (at, next) => {
      const holds = runs.some(({ run, length }) =>
        behind ? run(this.#placeBefore(at, length), (end) => end === at) : run(at, () => true),
      );
      return holds !== not && next(at);
    };
  }

  /** So many characters back; before the text there is nothing to match. */
  #placeBefore(at: number, length: number): number {
    let place = at;
    for (let left = length; left > 0; left--) {
      place--;
      const low = this.#text.charCodeAt(place) >> 10 === 0x37;
      if (low && this.#text.charCodeAt(place - 1) >> 10 === 0x36) place--;
    }
    return place < 0 ? this.#text.length + 1 : place;
  }

  #back(capture: number, folds: boolean, at: number, next: Next): boolean {
    this.#step();
    const found = this.#captures[capture];
    if (!found) return false;
    const wanted = this.#text.slice(...found);
    const there = this.#text.slice(at, at + wanted.length);
    const same = folds ? wanted.toLowerCase() === there.toLowerCase() : wanted === there;
    return same && next(at + wanted.length);
  }

  #condition(capture: number, yes: Run, no: Run): Run {
    return (at, next) => (this.#captures[capture] ? yes : no)(at, next);
  }

  #isAt(place: Place, at: number): boolean {
    const { length } = this.#text;
    switch (place) {
      case 'start':
        return at === 0;
      case 'end':
        return at === length;
      case 'end-or-newline':
        return at === length || (at === length - 1 && this.#text[at] === '\n');
      case 'line-start':
        return at === 0 || this.#text[at - 1] === '\n';
      case 'line-end':
        return at === length || this.#text[at] === '\n';
      default:
        return (isWord(this.#text[at - 1]) !== isWord(this.#text[at])) === (place === 'word-edge');
    }
  }
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /\w/.test(char);
}
