import type { ValueObject } from '../../base/values.js';
import { textOf } from '../../llm/content.js';
import type { ModelRequest } from '../../llm/contract.js';
import type { Turn } from '../../sessions/sessions.js';

/** What a session keeps of a call: the last question and its answer. */
export function turnsOf(request: ModelRequest, response: ValueObject): Turn[] {
  const asked = request.messages.findLast(({ role }) => role === 'user');
  const turns: Turn[] = asked ? [{ role: 'user', content: textOf(asked.content) }] : [];
  return [...turns, { role: 'assistant', content: String(response.text ?? '') }];
}
