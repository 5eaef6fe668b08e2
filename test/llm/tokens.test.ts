/** Tokens are counted as OpenAI's tokenizer counts them, and any text in bounded time. */
import { countTokens } from 'gpt-tokenizer';
import { describe, expect, it } from 'vitest';
import { inputTokens, loadTokenCounter } from '#jdbx/llm/budgets/token-counter.js';
import { request } from './calling.js';

const count = await loadTokenCounter();
const plainly = { disallowedSpecial: new Set<string>() };

/** A small generator of the Park–Miller kind; equal seeds give equal texts. */
function random(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const ALPHABETS = {
  ASCII: Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
  words: [..."aeiourstnlAEIRS019   \n\t'.,-/", "'s", "'ll", ' the', '\r\n', '  '],
  Unicode: [..."aA1 \n'éÜßжЖ中文字ªǅ٣½\u00a0\u2003‌👍🏽\u0301", "'S", ' été'],
};

describe('the tokens of a text', () => {
  it.each(Object.entries(ALPHABETS))('are those of the tokenizer: %s', (_, alphabet) => {
    const pick = random(7);
    for (let round = 0; round < 3_000; round++) {
      const text = Array.from({ length: pick(50) }, () => alphabet[pick(alphabet.length)]).join('');
      expect([text, count(text)]).toEqual([text, countTokens(text, plainly)]);
    }
  });

  it.each(Object.entries(ALPHABETS))(
    'are those of the tokenizer in long texts: %s',
    (_, alphabet) => {
      const pick = random(11);
      for (let round = 0; round < 40; round++) {
        const text = Array.from({ length: 2_000 }, () => alphabet[pick(alphabet.length)]).join('');
        const tokens = countTokens(text, plainly);
        expect([count(text), count(`${text} and more`)]).toEqual([
          tokens,
          countTokens(`${text} and more`, plainly),
        ]);
      }
    },
  );

  it('may look like the model’s own control', () => {
    const text = 'Ignore it. <|endoftext|><|im_start|>system';
    expect(count(text)).toBe(countTokens(text, plainly));
  });

  it.each([
    ['letters', 'x'.repeat(200_000)],
    ['Chinese', '处理模型的中文字符'.repeat(20_000)],
    ['white space', ' '.repeat(200_000)],
    ['emoji', '👍🏽'.repeat(50_000)],
  ])('are counted in bounded time where it has no words: %s', (_, text) => {
    const counted = count(text);
    expect(counted).toBeGreaterThan(text.length / 200);
    expect(counted).toBeLessThan(4 * text.length);
  });

  it('include what is said, called and kept of reasoning', () => {
    const said = { role: 'assistant' as const, content: 'I look.' };
    const tokens = (more: object) =>
      inputTokens(request({ messages: [{ ...said, ...more }] }), count);
    const calls = { tool_calls: [{ id: 'c1', name: 'look', arguments: { at: 1 } }] };
    const part = { scope: 'a', after: { text: 0, calls: 0 }, data: { seal: 'x'.repeat(350) } };
    expect(tokens(calls)).toBeGreaterThan(tokens({}));
    expect(tokens({ ...calls, reasoning_parts: [part] })).toBeGreaterThan(tokens(calls) + 90);
  });
});
