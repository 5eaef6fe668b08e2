import { JdbxError } from '../../base/errors.js';
import type { ValueObject } from '../../base/values.js';
import { bm25Scores } from '../bm25.js';
import { textOf } from '../content.js';
import type { ModelRequest, ModelResponse, Provider } from '../contract.js';

/**
 * Answers by quoting, needing no network and no model: the passages of the
 * context that BM25 finds closest to the question, and of each its closest
 * sentence, word for word. Equal requests get equal answers.
 *
 * The question is the prompt's last paragraph. The passages are
 * `request.context`, or else the paragraphs before the question. The setting
 * `passages` says how many to quote, default 1; quotes stand on lines of their own.
 *
 * `extra` says `extractive: true` and lists `passages: [{ index, score, text }]`,
 * the best first, where `index` counts the passages from 0 and `score` is the
 * passage's. When no passage shares a word with the question, the text is
 * empty, `finish` is `other`, and `extra.note` says so.
 */
export function createExtractive(): Provider {
  return {
    name: 'extractive',
    local: true,
    async generate({ request, signal }) {
      signal.throwIfAborted();
      const { question, passages } = readPrompt(request);
      const quotes = rank(question, passages)
        .slice(0, passageCount(request))
        .map((ranked) => ({ ...ranked, text: bestSentence(question, ranked.text) }));
      return responseOf(request, quotes, passages.length);
    },
  };
}

interface Quote {
  readonly index: number;
  readonly score: number;
  readonly text: string;
}

function readPrompt(request: ModelRequest): { question: string; passages: readonly string[] } {
  const prompt = textOf(request.messages.findLast(({ role }) => role === 'user')?.content ?? '');
  const paragraphs = prompt.split(/\n\s*\n/).filter((paragraph) => paragraph.trim() !== '');
  const question = paragraphs.at(-1) ?? '';
  return { question, passages: request.context ?? paragraphs.slice(0, -1) };
}

/** Passages that share a word with the question, the best first; equal ones in their order. */
function rank(question: string, passages: readonly string[]): Quote[] {
  return bm25Scores(question, passages)
    .map((score, index) => ({ index, score, text: passages[index] ?? '' }))
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score || left.index - right.index);
}

function bestSentence(question: string, passage: string): string {
  const sentences = splitSentences(passage);
  return rank(question, sentences)[0]?.text ?? passage.trim();
}

/** Sentence boundaries of https://www.unicode.org/reports/tr29/#Sentence_Boundaries */
function splitSentences(passage: string): string[] {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(passage);
  return Array.from(segments, ({ segment }) => segment.trim()).filter((text) => text !== '');
}

function passageCount({ settings }: ModelRequest): number {
  const count = settings.passages ?? 1;
  if (Number.isInteger(count) && (count as number) > 0) return count as number;
  throw new JdbxError('MODEL_REFUSED', 'expected an integer of at least 1', {
    path: 'settings.passages',
    operation: 'generate',
  });
}

function responseOf(request: ModelRequest, quotes: Quote[], passages: number): ModelResponse {
  const extra: ValueObject = {
    extractive: true,
    passages: quotes.map(({ index, score, text }) => ({ index, score, text })),
    ...(quotes.length > 0 ? {} : { note: noteFor(passages) }),
  };
  const text = quotes.map((quote) => quote.text).join('\n');
  return { text, model: request.model, finish: text === '' ? 'other' : 'stop', usage: {}, extra };
}

function noteFor(passages: number): string {
  return passages === 0
    ? 'the prompt has no passages to quote from'
    : 'no passage shares a word with the question';
}
