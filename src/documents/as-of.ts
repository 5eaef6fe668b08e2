import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { checkId } from '../base/ids.js';
import { isPast, type Moment, pastState } from '../history/past-state.js';
import { expandTypes } from '../query/types.js';
import type { Filter } from './contract.js';
import { Cursor } from './cursor.js';
import { readHorizons } from './horizons.js';
import { type Overlay, OverlaySource } from './overlay-source.js';
import { queryRunnerOver } from './querying.js';
import type { View } from './view.js';

/**
 * The documents of types that keep their revisions, as they were after some commit or at
 * some time. Nothing is held between two reads, so nothing has to be closed.
 */
export class AsOf {
  readonly #open: () => View;
  readonly #moment: Moment;

  /** @internal Use `db.asOf`. */
  constructor(open: () => View, moment: Moment) {
    this.#open = open;
    this.#moment = moment;
  }

  /** @throws {JdbxError} NOT_RETAINED when what would tell is no longer kept, or never was */
  async get<T = Document>(id: string): Promise<T | undefined> {
    checkId(id);
    const view = this.#open();
    try {
      const state = pastState(view.engine, id, this.#moment, readHorizons(view));
      if (state.known) return state.document as T | undefined;
      return refuse(id, state.oldest);
    } finally {
      view.close();
    }
  }

  /**
   * A query over documents as they were. The filter must say their `_type`, by equality or
   * `$in`, and each of these must keep its revisions.
   *
   * @throws {JdbxError} INVALID_FILTER, NOT_RETAINED, when it is run
   */
  query<T = Document>(filter: Filter): Cursor<T> {
    const runner = queryRunnerOver(this.#open, (view, query) => {
      const types = typesIn(view, query.filter);
      return new OverlaySource(view, changedSince(view, types, this.#moment));
    });
    return new Cursor<T>(runner, { filter });
  }
}

/** @throws {TypeError | RangeError} for what names no moment of this store */
export function readMoment(point: number | Date, newest: number): Moment {
  if (point instanceof Date && Number.isFinite(point.getTime())) return { at: point.getTime() };
  if (!Number.isSafeInteger(point)) {
    throw new TypeError(`asOf: expected the number of a commit or a date, got ${String(point)}`);
  }
  const seq = point as number;
  if (seq >= 0 && seq <= newest) return { seq };
  throw new RangeError(`asOf: expected a commit from 0 to ${newest}, got ${seq}`);
}

function typesIn(view: View, filter: unknown): readonly string[] {
  const { types } = expandTypes(filter, (type) => view.resolveTypes(type));
  const other = types?.find((type) => !view.isVersioned(type));
  if (types && other === undefined) return types;
  throw new JdbxError(
    'INVALID_FILTER',
    `expected the _type of documents that keep their revisions, got ${other ?? 'none'}`,
    { path: '_type', operation: 'asOf' },
  );
}

/** Documents that were other than they are: what they were, or undefined where they were not. */
function changedSince(view: View, types: readonly string[], moment: Moment): Overlay {
  const overlay = new Map<string, Document | undefined>();
  const horizonOf = readHorizons(view);
  const late = types.filter((type) => !isPast(horizonOf(type), moment));
  // Whole documents may be gone of which nothing tells any more.
  if (late[0] !== undefined) refuse(`type ${late[0]}`, horizonOf(late[0]).seq);
  for (const id of candidates(view, types)) {
    if (overlay.has(id)) continue;
    const state = pastState(view.engine, id, moment, horizonOf);
    if (!state.known) {
      if (state.type === undefined || types.includes(state.type)) refuse(id, state.oldest);
      continue;
    }
    const current = view.engine.get(id)?.document;
    if (current?._rev !== state.document?._rev || current?._type !== state.document?._type) {
      overlay.set(id, state.document);
    }
  }
  return overlay;
}

function* candidates(view: View, types: readonly string[]): Generator<string> {
  for (const type of types) yield* view.idsOf(type);
  yield* view.engine.revisedIds();
}

function refuse(what: string, oldest: number): never {
  throw new JdbxError(
    'NOT_RETAINED',
    `expected kept revisions of ${what}; they reach back to commit ${oldest}`,
    { operation: 'asOf', details: { oldest } },
  );
}
