import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject } from '../../base/values.js';
import { type Amounts, MEASURES } from './amounts.js';

/**
 * What may be spent. Every call under it is counted here and in its `parent`s.
 * `spent`, `reserved` and `window_start` are kept by the store itself.
 */
export interface Budget extends Document {
  readonly _type: 'budget';
  readonly limits: Amounts;
  /** A wider budget that this one is a part of. */
  readonly parent?: string;
  /** Begin anew each UTC day or month. Default: never. */
  readonly window?: 'day' | 'month';
  readonly spent?: Amounts;
  /** Set aside for calls that are under way, beside what a process that counts alone holds in memory. */
  readonly reserved?: Amounts;
  /** When the window that `spent` counts began, in milliseconds since the epoch. */
  readonly window_start?: number;
}

/** A call that is under way: what was set aside for it, and where. */
export interface ReservationFacts {
  /** Names the call among all. */
  readonly id: string;
  readonly budgets: readonly string[];
  readonly amounts: Amounts;
  readonly run: string;
  readonly path: string;
}

/** The same as a document; its `_id` is `reservation:` and the call's. */
export type Reservation = Document & { readonly _type: 'reservation' } & Omit<
    ReservationFacts,
    'id'
  >;

/** How many budgets may stand above one another. */
export const CHAIN_LENGTH_MAX = 16;

/**
 * Checks a budget document before it is written.
 *
 * @throws {JdbxError} INVALID_DOCUMENT with the path of the field
 */
export function checkBudget(document: NewDocument): void {
  const { limits, parent, window } = document;
  checkAmounts(limits, 'limits');
  if (Object.keys(limits as object).length === 0) {
    refuse('limits', `expected at least one of ${MEASURES.join(', ')}`);
  }
  for (const field of ['spent', 'reserved'] as const) {
    if (document[field] !== undefined) checkAmounts(document[field], field);
  }
  if (parent !== undefined && (typeof parent !== 'string' || parent === document._id)) {
    refuse('parent', 'expected the id of another budget');
  }
  if (window !== undefined && window !== 'day' && window !== 'month') {
    refuse('window', 'expected day or month');
  }
}

/** @throws {JdbxError} INVALID_DOCUMENT with the path of what is no amount */
export function checkAmounts(amounts: unknown, path: string): asserts amounts is Amounts {
  if (!isPlainObject(amounts)) {
    return refuse(path, `expected amounts by measure, got ${describeType(amounts)}`);
  }
  for (const [name, amount] of Object.entries(amounts)) {
    const place = `${path}.${name}`;
    if (!MEASURES.some((measure) => measure === name)) {
      refuse(place, `expected one of ${MEASURES.join(', ')}`);
    }
    if (typeof amount !== 'number' || amount < 0) {
      refuse(place, 'expected a number of at least 0');
    }
  }
}

/** Where the window that holds `at` began, in milliseconds since the epoch; 0 without windows. */
export function windowStart(window: Budget['window'], at: number): number {
  if (window === undefined) return 0;
  const date = new Date(at);
  const day = window === 'day' ? date.getUTCDate() : 1;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day);
}

/** What counts as spent at `at`: nothing, when a new window has begun. */
export function spentAt(budget: Budget, at: number): Amounts {
  const isCurrent = (budget.window_start ?? 0) >= windowStart(budget.window, at);
  return isCurrent ? (budget.spent ?? {}) : {};
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path });
}
