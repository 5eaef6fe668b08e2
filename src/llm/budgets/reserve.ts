import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Draft } from '../../documents/draft.js';
import { takeDocument } from '../../documents/take-document.js';
import type { Price } from '../contract.js';
import { type Amounts, addAmounts, leftOf, type Measure, subtractAmounts } from './amounts.js';
import {
  type Budget,
  CHAIN_LENGTH_MAX,
  type Reservation,
  spentAt,
  windowStart,
} from './budget-document.js';

/** What a call may come to at most. */
export interface CallNeed {
  /** Estimated. */
  readonly input_tokens: number;
  /** The longest answer that was asked for. */
  readonly output_tokens: number;
  /** Absent where the model has no known price; a limit in dollars then counts nothing. */
  readonly price?: Price | undefined;
}

export interface ReserveInput {
  /** Names the call within its run, e.g. its idempotency key. */
  readonly id: string;
  readonly run: string;
  readonly path: string;
  /** The budgets that the call stands under; their parents are found here. */
  readonly budgets: readonly string[];
  readonly need: CallNeed;
}

export interface Grant {
  /** The longest answer that can be paid for, at most what was asked for. */
  readonly output_tokens: number;
  /** Milliseconds that are left for the call; absent without a limit. */
  readonly time_ms?: number | undefined;
  readonly amounts: Amounts;
}

/**
 * Sets aside what a call may cost, in all its budgets at once, inside one commit: what
 * others have set aside is not there to be spent twice. The answer is cut to what
 * remains.
 *
 * @throws {JdbxError} BUDGET_EXCEEDED with `details { budget, measure, left, reserved }` when
 * not even an answer of one token can be paid for; MISSING_DOCUMENT for an unknown budget
 */
export function reserve(draft: Draft, { id, run, path, budgets, need }: ReserveInput): Grant {
  const chain = chainOf(draft, budgets);
  const grants = chain.map((budget) => grantOf(budget, need, draft.at));
  const output_tokens = Math.min(need.output_tokens, ...grants.map((grant) => grant.output_tokens));
  const times = grants.flatMap(({ time_ms }) => (time_ms === undefined ? [] : [time_ms]));
  const amounts = amountsOf(need, output_tokens);
  for (const budget of chain)
    change(draft, budget, { reserved: addAmounts(reservedOf(budget), amounts) });
  const names = chain.map(({ _id }) => _id);
  draft.put(
    takeDocument({
      _id: reservationId(id),
      _type: 'reservation',
      budgets: names,
      amounts,
      run,
      path,
    } as NewDocument),
  );
  return { output_tokens, amounts, ...(times.length === 0 ? {} : { time_ms: Math.min(...times) }) };
}

/**
 * Takes back what was set aside for a call and counts what it came to. Does nothing for
 * a call that was settled before, so it may be part of a commit that is tried again.
 *
 * @param actual what the call came to. Default: all that was set aside, for a call whose end nobody knows
 */
export function settle(draft: Draft, id: string, actual?: Amounts): boolean {
  const reservation = draft.get(reservationId(id)) as Reservation | undefined;
  if (!reservation) return false;
  const used = actual ?? reservation.amounts;
  for (const name of reservation.budgets) {
    const budget = draft.get(name) as Budget | undefined;
    // A budget may be removed while calls are under way; then nobody counts any more.
    if (!budget) continue;
    change(draft, budget, {
      reserved: subtractAmounts(reservedOf(budget), reservation.amounts),
      spent: addAmounts(spentAt(budget, draft.at), used),
    });
  }
  draft.remove(reservation._id);
  return true;
}

export function reservationId(id: string): string {
  return `reservation:${id}`;
}

/** What a call with an answer of so many tokens comes to. */
export function amountsOf({ input_tokens, price }: CallNeed, output_tokens: number): Amounts {
  const tokens = input_tokens + output_tokens;
  if (!price) return { tokens, calls: 1 };
  const millionths =
    input_tokens * price.input_per_million + output_tokens * price.output_per_million;
  return { tokens, calls: 1, cost_usd: millionths / 1_000_000 };
}

/** The budgets and all above them, each once. */
function chainOf(draft: Draft, names: readonly string[]): Budget[] {
  const chain = new Map<string, Budget>();
  const waiting = [...names];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (chain.has(name)) continue;
    const budget = budgetIn(draft, name);
    chain.set(name, budget);
    if (budget.parent !== undefined) waiting.push(budget.parent);
    if (chain.size > CHAIN_LENGTH_MAX) {
      throw new JdbxError(
        'INVALID_DOCUMENT',
        `expected at most ${CHAIN_LENGTH_MAX} budgets above one another`,
        { path: 'parent' },
      );
    }
  }
  return [...chain.values()];
}

function budgetIn(draft: Draft, name: string): Budget {
  const document: Document | undefined = draft.get(name);
  if (document?._type === 'budget') return document as Budget;
  throw new JdbxError('MISSING_DOCUMENT', `expected the budget ${name}`, { path: name });
}

function grantOf(budget: Budget, need: CallNeed, at: number): Omit<Grant, 'amounts'> {
  const used = addAmounts(spentAt(budget, at), reservedOf(budget));
  const left = leftOf(budget.limits, used);
  if (left.calls !== undefined && left.calls < 1) throw exceeded(budget, 'calls', left);
  if (left.time_ms !== undefined && left.time_ms <= 0) throw exceeded(budget, 'time_ms', left);
  const tokens = left.tokens === undefined ? Infinity : left.tokens - need.input_tokens;
  if (tokens < 1) throw exceeded(budget, 'tokens', left);
  const paid = left.cost_usd === undefined ? Infinity : tokensFor(left.cost_usd, need);
  if (paid < 1) throw exceeded(budget, 'cost_usd', left);
  const { time_ms } = left;
  return {
    output_tokens: Math.floor(Math.min(tokens, paid)),
    ...(time_ms === undefined ? {} : { time_ms }),
  };
}

/** How long an answer can be for so many dollars, the question paid. */
function tokensFor(dollars: number, { input_tokens, price }: CallNeed): number {
  if (!price) return Infinity;
  const left = dollars * 1_000_000 - input_tokens * price.input_per_million;
  if (left < 0) return 0;
  return price.output_per_million === 0 ? Infinity : left / price.output_per_million;
}

function exceeded(budget: Budget, measure: Measure, left: Amounts): JdbxError {
  const limit = budget.limits[measure];
  const text = `expected ${measure} to be left in ${budget._id}, but ${left[measure]} of ${limit} are`;
  return new JdbxError('BUDGET_EXCEEDED', text, {
    details: {
      budget: budget._id,
      measure,
      left: left[measure],
      reserved: reservedOf(budget)[measure] ?? 0,
    },
  });
}

function reservedOf({ reserved }: Budget): Amounts {
  return reserved ?? {};
}

function change(draft: Draft, budget: Budget, fields: Partial<Budget>): void {
  const { _rev: _, ...others } = budget;
  const window_start = windowStart(budget.window, draft.at);
  const windowed =
    budget.window === undefined ? {} : { window_start, spent: spentAt(budget, draft.at) };
  draft.put(takeDocument({ ...others, ...windowed, ...fields } as unknown as NewDocument));
}
