import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelMessage } from '../../llm/contract.js';
import { toRequest } from '../../llm/messages.js';
import { HISTORY_TURNS_MAX } from '../../sessions/sessions.js';
import { tokenWindow } from '../../sessions/token-window.js';
import type { StageWork } from '../contract.js';

export interface EarlierTurns {
  readonly messages: readonly ModelMessage[];
  /** What the audit trail says of the window, when it is one of tokens. */
  readonly facts: ValueObject;
}

/**
 * The turns of the session that go before a stage's own messages: the last ones, by their
 * number or as many as fit into a number of tokens.
 *
 * @throws {JdbxError} MISSING_INPUT when the session's own history is none
 */
export async function earlierTurns(work: StageWork): Promise<EarlierTurns> {
  const { history } = work.stage;
  if (!history) return { messages: [], facts: {} };
  if (typeof history === 'number') return { messages: turnsOf(work, history), facts: {} };
  const counter = await work.run.tokens();
  const texts = turnsOf(work, history.turns ?? HISTORY_TURNS_MAX).map((message) => ({
    message,
    content:
      typeof message.content === 'string' ? message.content : JSON.stringify(message.content),
  }));
  const { turns, tokens } = tokenWindow(texts, history.tokens, counter);
  const { name, estimated } = counter;
  const facts = { turns: turns.length, left_out: texts.length - turns.length, tokens };
  return {
    messages: turns.map(({ message }) => message),
    facts: { history: { ...facts, counter: name, estimated } },
  };
}

/** A turn without text is left out: no provider takes one. */
function turnsOf({ context, path }: StageWork, count: number): readonly ModelMessage[] {
  const history = context.lookup('history');
  if (!Array.isArray(history)) return [];
  const turns = history.slice(-count).filter((turn) => !isPlainObject(turn) || turn.content !== '');
  return turns.length === 0 ? [] : checkTurns(turns as Value[], path);
}

/** A session document may hold a `history` of its own, of any shape. */
function checkTurns(turns: readonly Value[], path: string): readonly ModelMessage[] {
  try {
    return toRequest({ messages: turns }).messages;
  } catch (cause) {
    throw new JdbxError(
      'MISSING_INPUT',
      'expected a history of turns, each with role and content',
      { path, cause },
    );
  }
}
