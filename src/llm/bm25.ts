/**
 * Okapi BM25 over a handful of passages held in memory.
 *
 * The formula is the one of S. Robertson and H. Zaragoza, "The Probabilistic
 * Relevance Framework: BM25 and Beyond" (2009), equation 3.15,
 * https://doi.org/10.1561/1500000019, with Lucene's idf, ln(1 + (N - n + 0.5) / (n + 0.5)),
 * which stays positive for a term that most passages hold; the original one
 * turns negative there, and with few passages most terms are in most of them.
 * https://lucene.apache.org/core/9_0_0/core/org/apache/lucene/search/similarities/BM25Similarity.html
 *
 * k1 and b are Lucene's defaults and within the ranges that the paper found good
 * (1.2 to 2, and 0.5 to 0.8); no collection is at hand to tune them on.
 */
const K1 = 1.2;
const B = 0.75;

/** Scripts written without spaces: each character counts as a word. */
const UNSPACED = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]';
const WORD = new RegExp(`${UNSPACED}|(?:(?!${UNSPACED})[\\p{L}\\p{N}\\p{M}])+`, 'gu');

/** Words in lower case, with compatible forms made equal (NFKC), so that `ﬁ` finds `fi`. */
export function tokenize(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? [];
}

/** Scores each of `texts` for `query`: one number a text, 0 where no word is shared. */
export function bm25Scores(query: string, texts: readonly string[]): number[] {
  const documents = texts.map((text) => countTerms(tokenize(text)));
  const lengthMean = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  const terms = [...new Set(tokenize(query))].map((term) => ({
    term,
    idf: inverseFrequency(term, documents),
  }));
  return documents.map((document) =>
    terms.reduce((sum, { term, idf }) => sum + idf * saturation(document, term, lengthMean), 0),
  );
}

interface TermCounts {
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
}

function countTerms(tokens: readonly string[]): TermCounts {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return { counts, length: tokens.length };
}

function inverseFrequency(term: string, documents: readonly TermCounts[]): number {
  const holding = documents.filter(({ counts }) => counts.has(term)).length;
  return Math.log(1 + (documents.length - holding + 0.5) / (holding + 0.5));
}

function saturation(document: TermCounts, term: string, lengthMean: number): number {
  const frequency = document.counts.get(term) ?? 0;
  if (frequency === 0) return 0;
  const norm = 1 - B + B * (document.length / lengthMean);
  return (frequency * (K1 + 1)) / (frequency + K1 * norm);
}
