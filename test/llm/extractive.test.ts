import { describe, expect, test } from 'vitest';
import { bm25Scores, tokenize } from '#jdbx/llm/bm25.js';
import { failure, input, integration, request, setup } from './calling.js';

const { caller } = setup();
const document = integration({ provider: 'extractive', model: undefined });

const PASSAGES = [
  'Lakes are still. Rivers flow to the sea.',
  'The heron is a bird. A heron eats fish and frogs. It stands in water for hours.',
  'Frogs eat insects.',
];

async function ask(content: string, fields: object = {}) {
  const asked = request({ messages: [{ role: 'user', content }], ...fields });
  return (await caller.call(input(document, { request: asked }))).response;
}

describe('the extractive provider', () => {
  test('quotes the best sentence of the best passage, word for word, and says so', async () => {
    const response = await ask('What does a heron eat? Fish or frogs?', { context: PASSAGES });
    expect(response).toMatchObject({
      text: 'A heron eats fish and frogs.',
      model: 'extractive',
      finish: 'stop',
      usage: {},
      extra: { extractive: true, passages: [{ index: 1, text: 'A heron eats fish and frogs.' }] },
    });
    expect(PASSAGES[1]).toContain(response.text);
  });

  test('takes the paragraphs before the question where no context is given', async () => {
    const prompt = `${PASSAGES.join('\n\n')}\n \nWhere do rivers flow?\n`;
    const response = await ask(prompt);
    expect(response.text).toBe('Rivers flow to the sea.');
  });

  test('quotes as many passages as the setting says, the best first', async () => {
    const settings = { passages: 5 };
    const response = await ask('heron frogs', { context: PASSAGES, settings });
    const { passages } = response.extra as { passages: { index: number; score: number }[] };
    expect(passages.map(({ index }) => index)).toEqual([1, 2]);
    expect(passages[0]?.score).toBeGreaterThan(passages[1]?.score ?? 0);
    expect(response.text).toBe('A heron eats fish and frogs.\nFrogs eat insects.');
  });

  test.each([
    ['no passage that matches', { context: PASSAGES }, 'no passage shares a word'],
    ['no passage at all', {}, 'no passages to quote from'],
  ])('with %s the text is empty, and extra says why', async (_, fields, note) => {
    const response = await ask('Quantum chromodynamics?', fields);
    expect(response).toMatchObject({
      text: '',
      finish: 'other',
      extra: { extractive: true, passages: [], note: expect.stringContaining(note) },
    });
  });

  test('gives equal answers to equal requests', async () => {
    const fields = { context: PASSAGES, settings: { passages: 3 } };
    expect(await ask('frogs', fields)).toEqual(await ask('frogs', fields));
  });

  test.each([0, 1.5, 'two'])('refuses to quote %j passages', async (passages) => {
    const error = await failure(ask('frogs', { context: PASSAGES, settings: { passages } }));
    expect(error).toMatchObject({ code: 'MODEL_REFUSED', path: 'settings.passages' });
  });
});

describe('BM25', () => {
  test('gives the score of the formula', () => {
    // Two texts of 2 and 4 words, mean 3; "cat" once in the first: idf ln(1 + 1.5 / 1.5).
    const norm = 1.2 * (1 - 0.75 + 0.75 * (2 / 3));
    const expected = (Math.log(2) * 2.2) / (1 + norm);
    const scores = bm25Scores('cat', ['a cat', 'the dog barks loudly']);
    expect(scores[0]).toBeCloseTo(expected, 12);
    expect(scores[1]).toBe(0);
  });

  test('ranks a rare word above a common one, and a short text above a long one', () => {
    const scores = bm25Scores('heron the', [
      'the the the',
      'the heron',
      'the heron and more words',
    ]);
    expect(scores[1]).toBeGreaterThan(scores[2] ?? 0);
    expect(scores[2]).toBeGreaterThan(scores[0] ?? 0);
  });

  test('never scores a shared word below nothing, however common it is', () => {
    expect(Math.min(...bm25Scores('the', ['the', 'the', 'the']))).toBeGreaterThan(0);
  });

  test('has no scores for no texts, and none for no words', () => {
    expect(bm25Scores('x', [])).toEqual([]);
    expect(bm25Scores('?!', ['', '...'])).toEqual([0, 0]);
  });

  test.each([
    ["L'Éclair, ÉCLAIR", ['l', 'éclair', 'éclair']],
    ['Größe 3,5', ['größe', '3', '5']],
    ['ﬁne', ['fine']],
    ['हिन्दी भाषा', ['हिन्दी', 'भाषा']],
    ['東京タワー is', ['東', '京', 'タ', 'ワ', 'ー', 'is']],
    ['— … !', []],
  ])('finds the words of %j', (text, words) => {
    expect(tokenize(text)).toEqual(words);
  });
});
