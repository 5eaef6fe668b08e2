import type { CountTokens } from './token-counter.js';

/**
 * How a text falls into pieces before any of them is cut into tokens: words with the character
 * before them, up to three digits, marks, and white space (`o200k_base` of
 * https://github.com/openai/tiktoken, `tiktoken_ext/openai_public.py`).
 */
const PIECES =
  /[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;

/** The same for texts without any other letters, which the platform finds much faster. */
const ASCII_PIECES =
  /[^\r\nA-Za-z0-9]?[A-Z]*[a-z]+(?:'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?|[^\r\nA-Za-z0-9]?[A-Z]+[a-z]*(?:'(?:[sdmtSDMT]|[lL][lL]|[vV][eE]|[rR][eE]))?|[0-9]{1,3}| ?[^\sA-Za-z0-9]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are ASCII as well.
const ASCII = /^[\x00-\x7f]*$/;

/** Words that are met again and again, such as a prompt's. */
const KNOWN_MAX = 50_000;
const KNOWN_LENGTH_MAX = 40;
/**
 * Longer pieces are counted in parts, in characters: to cut a piece into tokens takes as long as
 * its length squared, and a text without spaces, as Chinese is written, is one piece.
 */
const PART_LENGTH_MAX = 200;

/**
 * Counts a text by its pieces, each of which is counted once. The sum is the tokenizer's own,
 * but for pieces of more than 200 characters, where it may be a little more.
 *
 * @param count counts the tokens of a piece
 */
export function byPieces(count: CountTokens): CountTokens {
  const known = new Map<string, number>();
  const countPiece = (piece: string): number => {
    if (piece.length > PART_LENGTH_MAX) return sumOf(partsOf(piece), count);
    if (piece.length > KNOWN_LENGTH_MAX) return count(piece);
    if (known.size >= KNOWN_MAX) known.clear();
    const tokens = count(piece);
    known.set(piece, tokens);
    return tokens;
  };
  return (text) =>
    sumOf(
      text.match(ASCII.test(text) ? ASCII_PIECES : PIECES) ?? [],
      (piece) => known.get(piece) ?? countPiece(piece),
    );
}

function sumOf(pieces: readonly string[], count: CountTokens): number {
  let sum = 0;
  for (const piece of pieces) sum += count(piece);
  return sum;
}

function partsOf(piece: string): string[] {
  const count = Math.ceil(piece.length / PART_LENGTH_MAX);
  return Array.from({ length: count }, (_, n) =>
    piece.slice(n * PART_LENGTH_MAX, (n + 1) * PART_LENGTH_MAX),
  );
}
