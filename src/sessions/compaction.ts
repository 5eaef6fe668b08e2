import type { Document, NewDocument } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isoTime } from '../base/iso-time.js';
import { describeType, isPlainObject, type ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeDocument } from '../documents/take-document.js';
import { compactedIn, turnId } from './sessions.js';
import type { TokenCounter } from './token-window.js';

/** What a session's document says of its compaction. */
export interface CompactionRule {
  /** The id of a transformer, a pipeline or a program. */
  readonly by: string;
  /** What the turns that are read may come to at most. */
  readonly when: { readonly tokens?: number; readonly messages?: number };
  /** The newest turns, which stay as they are. Default 4. */
  readonly keep: number;
}

/** Turns that a compactor is to fold into a summary. */
export interface Foldable {
  /** The number of the last turn that is folded already. */
  readonly from: number;
  /** The number of the last one to fold now. */
  readonly upto: number;
  /** What stands for those before. */
  readonly summary: string | null;
  readonly turns: readonly ValueObject[];
}

const KEEP = 4;
/** What a compactor is handed at once. */
const FOLDED_MAX = 1_000;

/** @throws {JdbxError} INVALID_DOCUMENT with the path in `compaction` */
export function checkCompaction({ compaction }: NewDocument): void {
  if (compaction === undefined) return;
  if (!isPlainObject(compaction)) {
    refuse('compaction', `an object of by, when and keep, got ${describeType(compaction)}`);
  }
  const { by, when, keep, ...others } = compaction as ValueObject;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) refuse(`compaction.${unknown}`, 'one of by, when, keep');
  if (typeof by !== 'string' || by === '') {
    refuse('compaction.by', 'the id of a transformer or a pipeline');
  }
  checkBounds(when);
  if (keep !== undefined && !isCount(keep)) refuse('compaction.keep', 'a whole number from 0');
}

function checkBounds(when: unknown): void {
  const bounds = isPlainObject(when) ? Object.entries(when) : [];
  if (bounds.length === 0) refuse('compaction.when', '{ tokens } or { messages }');
  for (const [name, bound] of bounds) {
    const path = `compaction.when.${name}`;
    if (name !== 'tokens' && name !== 'messages') refuse(path, 'tokens or messages');
    if (!isCount(bound) || bound === 0) refuse(path, 'a whole number from 1');
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function refuse(path: string, expected: string): never {
  throw new JdbxError('INVALID_DOCUMENT', `expected ${expected}`, { path });
}

/** A session's rule; undefined when it has none. */
export function compactionOf(session: Document | undefined): CompactionRule | undefined {
  const rule = session?.compaction as Partial<CompactionRule> | undefined;
  if (typeof rule?.by !== 'string' || !rule.when) return undefined;
  return { by: rule.by, when: rule.when, keep: rule.keep ?? KEEP };
}

/**
 * The turns that are to be folded, when what is read of the session has passed its bound.
 * Tokens are counted only where the rule has a bound of them.
 */
export async function foldableTurns(
  get: (id: string) => Document | undefined,
  session: Document,
  { when, keep }: CompactionRule,
  tokens: () => Promise<TokenCounter>,
): Promise<Foldable | undefined> {
  const total = typeof session.turns === 'number' ? session.turns : 0;
  const { upto: from, summary } = compactedIn(session) ?? { upto: 0, summary: null };
  const upto = Math.min(total - keep, from + FOLDED_MAX);
  if (upto <= from) return undefined;
  const open: Document[] = [];
  for (let n = from + 1; n <= total; n++) {
    const turn = get(turnId(session._id, n));
    if (turn) open.push(turn);
  }
  const isLong = when.messages !== undefined && open.length > when.messages;
  const isWide = async () =>
    when.tokens !== undefined && tokensOf(open, summary, await tokens()) > when.tokens;
  if (!isLong && !(await isWide())) return undefined;
  const own = Array.isArray(session.history) && summary === null ? session.history : [];
  const folded = open.filter((turn) => (turn.n as number) <= upto);
  const turns = [...own, ...folded.map(({ n, role, content }) => ({ n, role, content }))];
  return { from, upto, summary, turns: turns as ValueObject[] };
}

/** Turns are frozen and shared while they are cached, so each is counted once. */
const counted = new WeakMap<Document, number>();

function tokensOf(turns: readonly Document[], summary: string | null, by: TokenCounter): number {
  let sum = summary === null ? 0 : by.count(summary);
  for (const turn of turns) {
    const tokens = counted.get(turn) ?? by.count(String(turn.content));
    counted.set(turn, tokens);
    sum += tokens;
  }
  return sum;
}

/**
 * Lets a summary stand for the turns that were folded. The turns stay where they are. False
 * when the session is gone, or another run has folded them meanwhile: then nothing changes.
 */
export function foldTurns(
  draft: Draft,
  id: string,
  { from, upto }: Pick<Foldable, 'from' | 'upto'>,
  summary: string,
): boolean {
  const session = draft.get(id);
  if (!session || (compactedIn(session)?.upto ?? 0) !== from) return false;
  const { _rev, ...rest } = session;
  const at = isoTime(draft.at);
  draft.put(takeDocument({ ...rest, compacted: { upto, summary, at } }));
  return true;
}
