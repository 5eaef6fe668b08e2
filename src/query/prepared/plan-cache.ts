import { isJdbxError } from '../../base/errors.js';
import { takeValue } from '../../base/values.js';
import type { DocumentBody, PlannableIndex, Query, QuickSource } from '../contract.js';
import { prepare } from './prepare.js';
import type { Prepared } from './prepared.js';
import { quickFind } from './quick-find.js';
import { Asked, readShape } from './read-shape.js';
import { Shape } from './shape.js';

/** Steps of shapes that are kept. A program has few; one that makes up ever new names starts it over. */
const STEPS_MAX = 4_096;

/** What is known of a shape, as long as the indexes of its type are these. */
interface Kept {
  readonly indexes: readonly PlannableIndex[];
  /** Of the index that is read: a plan is other when arrays come in. */
  readonly multikey: boolean;
  /** Whether no alias includes other types. */
  readonly alone: boolean;
  /** Undefined where each query of the shape must be planned. */
  readonly prepared: Prepared | undefined;
}

/**
 * Plans by the shape of their queries: paths, operators, kinds of operands, order. A query of a known shape
 * is neither parsed nor planned: its operands become key bytes. A plan that is kept is held against what it
 * was made for whenever it is used.
 */
export class PlanCache {
  #steps = 0;
  #root = this.#start();

  /** The answer of a prepared plan; undefined where the query must be planned. */
  find(query: Query, source: QuickSource): DocumentBody[] | undefined {
    const asked = new Asked();
    const shape = readShape(this.#root, query, asked);
    if (!shape) return undefined;
    const { kept } = shape;
    if (!kept || !isGood(kept, asked.type, source)) return this.#learn(query, source);
    return kept.prepared && quickFind(kept.prepared, asked.operands, query, source);
  }

  #learn(given: Query, source: QuickSource): DocumentBody[] | undefined {
    const query = copyOf(given);
    if (!query) return undefined;
    if (this.#steps > STEPS_MAX) this.#root = this.#start();
    const asked = new Asked();
    const shape = readShape(this.#root, query, asked);
    if (!shape) return undefined;
    const indexes = source.indexesOf(asked.type);
    const alone = source.resolveTypes(asked.type).length === 1;
    const prepared = alone ? prepare(query, source, asked.count) : undefined;
    const multikey = prepared?.access.sample.index.multikey ?? false;
    shape.kept = { indexes, multikey, alone, prepared };
    return prepared && quickFind(prepared, asked.operands, query, source);
  }

  #start(): Shape<Kept> {
    this.#steps = 0;
    return new Shape<Kept>(() => this.#steps++);
  }
}

/** An accessor may give another filter each time. Undefined for what is no value: its plan in full says what is wrong. */
function copyOf(query: Query): Query | undefined {
  try {
    return { ...query, filter: takeValue(query.filter), sort: query.sort && takeValue(query.sort) };
  } catch (error) {
    if (isJdbxError(error, 'INVALID_DOCUMENT', 'DOCUMENT_TOO_LARGE')) return undefined;
    throw error;
  }
}

function isGood(kept: Kept, type: string, source: QuickSource): boolean {
  const { indexes, multikey, alone, prepared } = kept;
  if (source.indexesOf(type) !== indexes) return false;
  if (prepared && prepared.access.sample.index.multikey !== multikey) return false;
  return (source.resolveTypes(type).length === 1) === alone;
}
