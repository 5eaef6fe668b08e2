/**
 * What a query asks without what it asks for: paths, operators, kinds of operands, the order. Queries of one
 * shape lead through the same steps to the same place, without a text to make and hash.
 */
export class Shape<T> {
  /** What is kept for queries of this shape. */
  kept: T | undefined;
  readonly #grow: () => void;
  #lastName: string | undefined;
  #last: Shape<T> | undefined;
  #named: Map<string, Shape<T>> | undefined;
  readonly #coded: (Shape<T> | undefined)[] = [];

  /** @param grow told of each step that is new */
  constructor(grow: () => void) {
    this.#grow = grow;
  }

  /** The step by a name: a path, or a type. */
  by(name: string): Shape<T> {
    if (name === this.#lastName) return this.#last as Shape<T>;
    this.#named ??= new Map();
    const next = this.#named.get(name) ?? this.#make();
    this.#named.set(name, next);
    this.#lastName = name;
    this.#last = next;
    return next;
  }

  /** The step by a small number: an operator and the kind of its operand, a direction, a length. */
  at(code: number): Shape<T> {
    const next = this.#coded[code] ?? this.#make();
    this.#coded[code] = next;
    return next;
  }

  #make(): Shape<T> {
    this.#grow();
    return new Shape<T>(this.#grow);
  }
}
