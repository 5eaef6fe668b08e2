import type { Document } from '../../base/document.js';
import type { Shape, ShapeDefinition, ShapeField } from './shape.js';

/** Objects within objects, and values of one document, up to which names are shared. */
const DEPTH_MAX = 8;
const VALUES_MAX = 128;

/** One step of the way through a document's names. */
export class ShapeNode {
  /** By the name of a value, and of an object that begins; the end of one has no name. */
  readonly #values = new Map<string, ShapeNode>();
  readonly #objects = new Map<string, ShapeNode>();
  #end: ShapeNode | undefined;
  readonly #tree: { nodes: number };
  shape: Shape | undefined;
  /** A document ended here that had no shape. */
  wasSeen = false;

  constructor(tree: { nodes: number }) {
    this.#tree = tree;
    tree.nodes++;
  }

  value(name: string): ShapeNode {
    return this.#values.get(name) ?? this.#make(this.#values, name);
  }

  object(name: string): ShapeNode {
    return this.#objects.get(name) ?? this.#make(this.#objects, name);
  }

  end(): ShapeNode {
    this.#end ??= new ShapeNode(this.#tree);
    return this.#end;
  }

  #make(nodes: Map<string, ShapeNode>, name: string): ShapeNode {
    const made = new ShapeNode(this.#tree);
    nodes.set(name, made);
    return made;
  }
}

/**
 * Which shape a document has, by one walk over its names. The first walk by a new way marks
 * where it ends; only a second one is worth a shape, so that names which are data (ids as
 * keys, say) do not use them up.
 */
export class ShapeTree {
  readonly #size = { nodes: 0 };
  readonly #types = new ShapeNode(this.#size);

  get nodes(): number {
    return this.#size.nodes;
  }

  /**
   * Puts the document's values behind those in `list`.
   *
   * @param depthMax objects within objects whose names are looked at
   * @returns where the way ends; undefined for a document that is too large or not in the usual order
   */
  walk(document: Document, depthMax: number, list: unknown[]): ShapeNode | undefined {
    let node: ShapeNode | undefined = this.#types.value(document._type);
    let at = 0;
    for (const name in document) {
      if (at < LEADING.length) {
        if (name !== LEADING[at++]) return undefined;
      } else {
        node = step(node, name, document[name], depthMax, list);
        if (!node) return undefined;
      }
    }
    return at === LEADING.length ? node : undefined;
  }

  /** Enters a shape that is known already. */
  enter(shape: Shape): void {
    const [type, fields] = shape.definition;
    follow(this.#types.value(type), fields).shape = shape;
  }
}

/** What every document begins with. */
const LEADING = ['_id', '_type', '_rev'];

function step(
  node: ShapeNode,
  name: string,
  value: unknown,
  depth: number,
  list: unknown[],
): ShapeNode | undefined {
  if (depth === 0 || !isObject(value)) {
    return list.push(value) > VALUES_MAX ? undefined : node.value(name);
  }
  let inner: ShapeNode | undefined = node.object(name);
  for (const key in value) {
    inner = step(inner, key, value[key], depth - 1, list);
    if (!inner) return undefined;
  }
  return inner.end();
}

function follow(from: ShapeNode, fields: readonly ShapeField[]): ShapeNode {
  return fields.reduce(
    (node, field) =>
      typeof field === 'string' ? node.value(field) : follow(node.object(field[0]), field[1]).end(),
    from,
  );
}

/** The names that `walk` goes by. */
export function defineShape(document: Document, depthMax: number): ShapeDefinition {
  const { _id, _type, _rev, ...fields } = document;
  return [_type, fieldsOf(fields, depthMax)];
}

function fieldsOf(object: object, depth: number): ShapeField[] {
  return Object.entries(object).map(([name, value]) =>
    depth > 0 && isObject(value) ? [name, fieldsOf(value, depth - 1)] : name,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof Date || value instanceof Uint8Array);
}

export const WHOLE = DEPTH_MAX;
