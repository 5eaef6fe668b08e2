import { lengthOf } from './lengths.js';
import { isAt, placeBefore } from './places.js';
import { atomic, type Next, type Run, repeatAny, repeatSet } from './repeat.js';
import { SearchTooLong, Subject } from './subject.js';
import type { Node, Pattern } from './syntax.js';

/** A match: where it starts and ends, and each capture's two places, in UTF-16 units. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly captures: readonly (readonly [number, number] | undefined)[];
}

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
  readonly #subject: Subject;
  readonly #run: Run;
  #captures: ([number, number] | undefined)[];

  constructor({ node, captures }: Pattern, text: string) {
    this.#subject = new Subject(text);
    this.#captures = new Array(captures).fill(undefined);
    this.#run = this.#compile(node);
  }

  find(from: number): Found | undefined {
    for (
      let start = from;
      start <= this.#subject.text.length;
      start += this.#subject.width(start)
    ) {
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

  #compile(node: Node): Run {
    switch (node.kind) {
      case 'set':
        return (at, next) => this.#subject.matches(node, at) && next(at + this.#subject.width(at));
      case 'sequence':
        return this.#sequence(node.nodes.map((each) => this.#compile(each)));
      case 'choice':
        return this.#choice(node.nodes.map((each) => this.#compile(each)));
      case 'group':
        return this.#group(this.#compile(node.node), node.capture - 1);
      case 'repeat':
        return this.#repeat(node);
      case 'place':
        return (at, next) => isAt(this.#subject.text, node.place, at) && next(at);
      case 'look':
        return this.#look(node);
      case 'atomic':
        return atomic(this.#compile(node.node));
      case 'back':
        return (at, next) => this.#back(node.capture - 1, node.folds, at, next);
      case 'condition':
        return this.#condition(node.capture - 1, this.#compile(node.yes), this.#compile(node.no));
    }
  }

  #sequence(runs: readonly Run[]): Run {
    return runs.reduceRight<Run>(
      (rest, run) => (at, next) => run(at, (then) => rest(then, next)),
      (at, next) => next(at),
    );
  }

  #choice(runs: readonly Run[]): Run {
    return (at, next) => {
      this.#subject.step();
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
      node.node.kind === 'set'
        ? repeatSet(this.#subject, node, node.node)
        : repeatAny(this.#subject, node, this.#compile(node.node));
    return node.mode === 'possessive' ? atomic(plain) : plain;
  }

  #look({ node, behind, not }: Extract<Node, { kind: 'look' }>): Run {
    const branches = node.kind === 'choice' ? node.nodes : [node];
    const runs = branches.map((each) => ({
      run: this.#compile(each),
      length: lengthOf(each) ?? 0,
    }));
    return (at, next) => {
      const holds = runs.some(({ run, length }) =>
        behind
          ? run(placeBefore(this.#subject.text, at, length), (end) => end === at)
          : run(at, () => true),
      );
      return holds !== not && next(at);
    };
  }

  #back(capture: number, folds: boolean, at: number, next: Next): boolean {
    this.#subject.step();
    const found = this.#captures[capture];
    if (!found) return false;
    const wanted = this.#subject.text.slice(...found);
    const there = this.#subject.text.slice(at, at + wanted.length);
    const same = folds ? wanted.toLowerCase() === there.toLowerCase() : wanted === there;
    return same && next(at + wanted.length);
  }

  #condition(capture: number, yes: Run, no: Run): Run {
    return (at, next) => (this.#captures[capture] ? yes : no)(at, next);
  }
}
