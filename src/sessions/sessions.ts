import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isoTime } from '../base/iso-time.js';
import type { Value } from '../base/values.js';
import { updated } from '../documents/apply-update.js';
import type { Update } from '../documents/contract.js';
import type { Draft } from '../documents/draft.js';
import { takeDocument } from '../documents/take-document.js';

/** One thing said in a session. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface SessionUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_usd: number;
  readonly calls: number;
}

/** What one stage does to its session, inside the stage's commit. */
export interface SessionChange {
  readonly session: string;
  readonly run: string;
  /** The checkpoint that the stage leaves; none when the attempt failed. */
  readonly checkpoint?: string | undefined;
  readonly turns: readonly Turn[];
  readonly usage: SessionUsage;
  /** Update operators with final values, e.g. `{ $inc: { 'state.graded': 1 } }`. */
  readonly update: Update | undefined;
}

/** What stands for the turns up to number `upto` when the session is read. */
export interface Compacted {
  readonly upto: number;
  readonly summary: string;
}

/** What was folded last. */
export function compactedIn(session: Document | undefined): Compacted | undefined {
  const compacted = session?.compacted as Compacted | undefined;
  return typeof compacted?.upto === 'number' ? compacted : undefined;
}

/** How many of a session's turns are read at most. */
export const HISTORY_TURNS_MAX = 100;
/** The newest checkpoints that a session document lists. */
const CHECKPOINTS_LISTED = 20;

/** Puts a session document where there is none yet. */
export function ensureSession(draft: Draft, id: string): void {
  if (draft.get(id)) return;
  draft.insert(takeDocument({ _id: id, _type: 'session', turns: 0, state: { token_count: 0 } }));
}

/**
 * Adds turns, token counts, the checkpoint and the stage's own update to a
 * session, on its newest revision: runs that share a session never overwrite
 * each other's changes.
 *
 * @throws {JdbxError} MISSING_DOCUMENT when the session was removed since the run began: a new one
 * would count less than the audit trail, and number its turns as the old ones were
 */
export function changeSession(draft: Draft, change: SessionChange): void {
  if (!draft.get(change.session)) {
    const text = `expected the session ${change.session}, it was removed since the run began`;
    throw new JdbxError('MISSING_DOCUMENT', text, { details: { id: change.session } });
  }
  const before = turnsIn(draft.get(change.session));
  for (const [index, turn] of change.turns.entries()) {
    putTurn(draft, change, before + index + 1, turn);
  }
  for (const update of [countersOf(change, draft.at), change.update]) {
    if (!update) continue;
    const facts = { target: change.session, options: {}, nowMs: draft.at };
    const next = updated(draft.get(change.session) as Document, update, facts);
    if (next) draft.put(takeDocument(next));
  }
}

/** The id of a session's `n`th turn; ids are in the order of the talk. */
export function turnId(session: string, n: number): string {
  return `turn:${session}:${String(n).padStart(8, '0')}`;
}

/**
 * The last turns of a session, oldest first: what stands for those that were folded, or the
 * ones that the document holds itself as `history`, then the recorded ones. A turn whose
 * document was removed is left out.
 */
export function readHistory(
  get: (id: string) => Document | undefined,
  session: Document | undefined,
  count = HISTORY_TURNS_MAX,
): Value[] {
  if (!session) return [];
  const total = turnsIn(session);
  const turns: Value[] = [];
  const folded = compactedIn(session);
  const first = Math.max(folded?.upto ?? 0, total - count) + 1;
  for (let n = first; n <= total; n++) {
    const turn = get(turnId(session._id, n));
    if (turn) turns.push({ role: turn.role as string, content: turn.content as string });
  }
  if (folded) {
    const summary = { role: 'system', content: folded.summary };
    return [summary, ...turns.slice(-Math.max(0, count - 1))];
  }
  const inline = Array.isArray(session.history) ? (session.history as Value[]) : [];
  return [...inline, ...turns].slice(-count);
}

function turnsIn(session: Document | undefined): number {
  return typeof session?.turns === 'number' ? session.turns : 0;
}

function putTurn(draft: Draft, change: SessionChange, n: number, turn: Turn): void {
  draft.put(
    takeDocument({
      _id: turnId(change.session, n),
      _type: 'turn',
      session: change.session,
      run: change.run,
      n,
      ...turn,
    }),
  );
}

function countersOf({ turns, usage, checkpoint }: SessionChange, atMs: number): Update {
  const tokens = usage.input_tokens + usage.output_tokens;
  const listed = {
    timestamp: isoTime(atMs),
    state_ref: checkpoint,
    tokens_used: tokens,
  };
  return {
    $inc: { turns: turns.length, 'state.token_count': tokens, ...prefixed('usage.', usage) },
    ...(checkpoint === undefined
      ? {}
      : { $push: { checkpoints: { $each: [listed], $slice: -CHECKPOINTS_LISTED } } }),
  };
}

function prefixed(prefix: string, usage: SessionUsage): Record<string, number> {
  return Object.fromEntries(
    Object.entries(usage).map(([name, count]) => [prefix + name, count as number]),
  );
}
