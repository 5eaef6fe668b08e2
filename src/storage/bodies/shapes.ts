import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { makeShape, type Shape, type ShapeDefinition } from './shape.js';
import { defineShape, type ShapeNode, ShapeTree, WHOLE } from './shape-tree.js';

/** Shapes of one store, at most: beyond that, documents are stored with their names. */
export const SHAPES_MAX = 2_000;
/** The tree is begun anew past this, with what is known alone. About 10 MB. */
const NODES_MAX = 50_000;

/** A shape, for the first batch that uses it. */
export type NewShape = readonly [number: number, definition: ShapeDefinition];

/**
 * The shapes of one store, as one opener knows them. They are numbered 1, 2, 3 … and never
 * change. Who writes knows all that are durable, since the write lock is only had with
 * everything read, and gives new ones to the batch that needs them.
 */
export class Shapes {
  readonly #known: Shape[] = [];
  #durable = 0;
  #tree = new ShapeTree();

  /** How many are stored, as far as is known here. */
  get durable(): number {
    return this.#durable;
  }

  /** @throws {JdbxError} STORE_CORRUPT */
  get(number: number): Shape {
    const shape = this.#known[number - 1];
    if (shape) return shape;
    throw new JdbxError('STORE_CORRUPT', `expected shape ${number} in the store`);
  }

  /**
   * The document's shape, its values put behind those in `list`; undefined where it has none.
   * Where the names within it are data, those outside may still be shared.
   */
  find(document: Document, list: unknown[]): Shape | undefined {
    const start = list.length;
    const whole = this.#tree.walk(document, WHOLE, list);
    const found = this.#shapeAt(whole, document, WHOLE);
    if (found) return found;
    list.length = start;
    const outer = this.#tree.walk(document, 0, list);
    const shape = outer === whole ? undefined : this.#shapeAt(outer, document, 0);
    if (!shape) list.length = start;
    if (this.#tree.nodes > NODES_MAX) this.#plant();
    return shape;
  }

  /** Those that no batch has made durable yet. */
  fresh(): NewShape[] {
    return this.#known.slice(this.#durable).map(({ number, definition }) => [number, definition]);
  }

  /** The batch that holds them is durable. */
  settle(): void {
    this.#durable = this.#known.length;
  }

  /** No batch made them durable: others may give their numbers to other shapes. */
  dropFresh(): void {
    if (this.#known.length === this.#durable) return;
    this.#known.length = this.#durable;
    this.#plant();
  }

  /** Takes in what stands in the store. @throws {JdbxError} STORE_CORRUPT */
  learn(shapes: readonly NewShape[]): void {
    for (const [number, definition] of shapes) {
      if (number <= this.#durable) continue;
      this.dropFresh();
      if (number !== this.#durable + 1) {
        throw new JdbxError('STORE_CORRUPT', `expected shape ${this.#durable + 1}, got ${number}`);
      }
      this.#add(definition);
      this.settle();
    }
  }

  #shapeAt(end: ShapeNode | undefined, document: Document, depth: number): Shape | undefined {
    if (!end || end.shape) return end?.shape;
    if (end.wasSeen && this.#known.length < SHAPES_MAX) {
      return this.#add(defineShape(document, depth));
    }
    end.wasSeen = true;
    return undefined;
  }

  #add(definition: ShapeDefinition): Shape {
    const shape = makeShape(this.#known.length + 1, definition);
    this.#known.push(shape);
    this.#tree.enter(shape);
    return shape;
  }

  #plant(): void {
    this.#tree = new ShapeTree();
    for (const shape of this.#known) this.#tree.enter(shape);
  }
}
