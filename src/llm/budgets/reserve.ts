import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Draft } from '../../documents/draft.js';
import { takeMade } from '../../documents/take-document.js';
import type { Price } from '../contract.js';
import { costOf, tierFor } from '../prices/cost.js';
import {
  type Amounts,
  addAmounts,
  leftOf,
  MEASURES,
  type Measure,
  subtractAmounts,
} from './amounts.js';
import {
  type Budget,
  CHAIN_LENGTH_MAX,
  type Reservation,
  type ReservationFacts,
  spentAt,
  windowStart,
} from './budget-document.js';

/** What a call may come to at most. */
export interface CallNeed {
  /** Estimated. */
  readonly input_tokens: number;
  /** The longest answer that was asked for. */
  readonly output_tokens: number;
  readonly price?: Price | undefined;
  /** It costs what nobody here knows; a budget in dollars then pays for no call. Default false. */
  readonly unpriced?: boolean;
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

/** What budgets are read from: a commit in the making, or the store as it is. */
export interface BudgetSource {
  get(id: string): Document | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What is set aside beside what the document says. Default: nothing. */
  alsoReserved?(budget: string): Amounts | undefined;
}

/** What a call is given, and the budgets that it comes from. */
export interface Planned {
  readonly grant: Grant;
  readonly facts: ReservationFacts;
}

/**
 * What a call may cost at most in all its budgets at once; what others have set aside is not
 * there to be spent twice. The answer is cut to what remains.
 *
 * @throws {JdbxError} BUDGET_EXCEEDED with `details { budget, measure, left, reserved }` when
 * not even an answer of one token can be paid for; PRICE_MISSING for a budget in dollars and a
 * model without a price; MISSING_DOCUMENT for an unknown budget
 */
export function plan(
  source: BudgetSource,
  { id, run, path, budgets, need }: ReserveInput,
): Planned {
  const chain = chainOf(source, budgets);
  let { output_tokens } = need;
  let time_ms = Number.POSITIVE_INFINITY;
  for (const budget of chain) {
    const grant = grantOf(budget, need, source);
    output_tokens = Math.min(output_tokens, grant.output_tokens);
    time_ms = Math.min(time_ms, grant.time_ms ?? time_ms);
  }
  const amounts = amountsOf(need, output_tokens);
  return {
    grant:
      time_ms === Number.POSITIVE_INFINITY
        ? { output_tokens, amounts }
        : { output_tokens, amounts, time_ms },
    facts: { id, run, path, budgets: chain.map(({ _id }) => _id), amounts },
  };
}

/** Sets aside what a call may cost inside one commit. @throws {JdbxError} as `plan` */
export function reserve(draft: Draft, input: ReserveInput): Grant {
  const { grant, facts } = plan(draft, input);
  setAside(draft, facts);
  return grant;
}

/** Writes what is set aside into the budgets that are still there, and for what. */
export function setAside(draft: Draft, { id, ...facts }: ReservationFacts): void {
  for (const budget of budgetsIn(draft, facts.budgets)) {
    change(draft, budget, { reserved: addAmounts(reservedOf(budget), facts.amounts) });
  }
  draft.put(takeMade({ _id: reservationId(id), _type: 'reservation', ...facts }));
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
  const { budgets, amounts } = reservation;
  for (const budget of budgetsIn(draft, budgets)) {
    change(draft, budget, {
      reserved: subtractAmounts(reservedOf(budget), amounts),
      spent: addAmounts(spentAt(budget, draft.at), actual ?? amounts),
    });
  }
  draft.remove(reservation._id);
  return true;
}

/**
 * Counts what a call came to that was set aside in memory. The budget then says `reserved`
 * as `settle` leaves it: a reader need not know which way a call was counted.
 */
export function spend(draft: Draft, facts: ReservationFacts, actual = facts.amounts): void {
  for (const budget of budgetsIn(draft, facts.budgets)) {
    change(draft, budget, {
      reserved: withMeasures(reservedOf(budget), facts.amounts),
      spent: addAmounts(spentAt(budget, draft.at), actual),
    });
  }
}

export function reservationId(id: string): string {
  return `reservation:${id}`;
}

/** What a call with an answer of so many tokens comes to. */
export function amountsOf({ input_tokens, price }: CallNeed, output_tokens: number): Amounts {
  const tokens = input_tokens + output_tokens;
  if (!price) return { tokens, calls: 1 };
  return { tokens, calls: 1, cost_usd: costOf({ input_tokens, output_tokens }, price) ?? 0 };
}

/** The budgets and all above them, each once. */
function chainOf(source: BudgetSource, names: readonly string[]): Budget[] {
  const [only] = names;
  if (names.length === 1 && only !== undefined) {
    const budget = budgetIn(source, only);
    if (budget.parent === undefined) return [budget];
  }
  const chain = new Map<string, Budget>();
  const waiting = [...names];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (chain.has(name)) continue;
    const budget = budgetIn(source, name);
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

/** A budget may be removed while calls are under way; then nobody counts any more. */
function budgetsIn(draft: Draft, names: readonly string[]): Budget[] {
  return names.flatMap((name) => (draft.get(name) as Budget | undefined) ?? []);
}

function budgetIn(source: BudgetSource, name: string): Budget {
  const document = source.get(name);
  if (document?._type === 'budget') return document as Budget;
  throw new JdbxError('MISSING_DOCUMENT', `expected the budget ${name}`, { path: name });
}

function grantOf(budget: Budget, need: CallNeed, source: BudgetSource): Omit<Grant, 'amounts'> {
  const reserved = addAmounts(reservedOf(budget), source.alsoReserved?.(budget._id) ?? {});
  const used = addAmounts(spentAt(budget, source.at), reserved);
  const left = leftOf(budget.limits, used);
  if (left.calls !== undefined && left.calls < 1) throw exceeded(budget, 'calls', left, reserved);
  if (left.time_ms !== undefined && left.time_ms <= 0)
    throw exceeded(budget, 'time_ms', left, reserved);
  const tokens = left.tokens === undefined ? Infinity : left.tokens - need.input_tokens;
  if (tokens < 1) throw exceeded(budget, 'tokens', left, reserved);
  if (left.cost_usd !== undefined && need.unpriced) throw unpriced(budget);
  const paid = left.cost_usd === undefined ? Infinity : tokensFor(left.cost_usd, need);
  if (paid < 1) throw exceeded(budget, 'cost_usd', left, reserved);
  const { time_ms } = left;
  return {
    output_tokens: Math.floor(Math.min(tokens, paid)),
    time_ms,
  };
}

/** How long an answer can be for so many dollars, the question paid. */
function tokensFor(dollars: number, { input_tokens, price }: CallNeed): number {
  if (!price) return Infinity;
  const left = dollars - (costOf({ input_tokens, output_tokens: 0 }, price) ?? 0);
  if (left < 0) return 0;
  const { output_per_million } = tierFor(price, input_tokens);
  return output_per_million === 0 ? Infinity : (left * 1_000_000) / output_per_million;
}

function unpriced({ _id }: Budget): JdbxError {
  const text = `expected a price of the model, because ${_id} counts dollars: say it in the integration's "price", or import it with "jdbx prices"`;
  return new JdbxError('PRICE_MISSING', text, { path: 'price', details: { budget: _id } });
}

function exceeded(budget: Budget, measure: Measure, left: Amounts, reserved: Amounts): JdbxError {
  const limit = budget.limits[measure];
  const text = `expected ${measure} to be left in ${budget._id}, but ${left[measure]} of ${limit} are`;
  return new JdbxError('BUDGET_EXCEEDED', text, {
    details: {
      budget: budget._id,
      measure,
      left: left[measure],
      reserved: reserved[measure] ?? 0,
    },
  });
}

function reservedOf({ reserved }: Budget): Amounts {
  return reserved ?? {};
}

/** The same amounts, with a zero where they say nothing of what others measure. */
function withMeasures(amounts: Amounts, others: Amounts): Amounts {
  const isWhole = MEASURES.every((each) => others[each] === undefined || each in amounts);
  return isWhole ? amounts : addAmounts(amounts, subtractAmounts(others, others));
}

function change(draft: Draft, budget: Budget, fields: Partial<Budget>): void {
  const changed = { ...budget, ...windowed(budget, draft.at), ...fields };
  draft.put(takeMade(changed));
}

/** What a window that has begun anew forgets. */
function windowed(budget: Budget, at: number): Partial<Budget> | undefined {
  if (budget.window === undefined) return undefined;
  return { window_start: windowStart(budget.window, at), spent: spentAt(budget, at) };
}
