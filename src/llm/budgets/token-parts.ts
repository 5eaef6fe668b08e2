import type { CountTokens } from './token-counter.js';

/** Parts are at least so long, and at most twice as long unless they have no place to cut, in characters. */
const PART_LENGTH = 256;
/** Parts that are remembered: 8 MB at most of what has places to cut. */
const KNOWN_MAX = 8_192;
/** A longer part is met again too seldom to be kept. */
const KNOWN_LENGTH_MAX = 2 * PART_LENGTH;

/**
 * Counts a text by parts and remembers each: prompts begin alike, and the turns of a talk are
 * counted in every call after them. A text is cut before a space between letters, where no
 * tokenizer's piece goes across, so the sum is what `count` gives for the whole.
 */
export function byParts(count: CountTokens): CountTokens {
  const known = new Map<string, number>();
  const seen = new Int32Array(SEEN_LENGTH);
  const countPart = (part: string): number => {
    const tokens = count(part);
    if (part.length > KNOWN_LENGTH_MAX || isNew(part, seen)) return tokens;
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(ownText(part), tokens);
    return tokens;
  };
  return (text) => {
    let sum = 0;
    for (let from = 0, to = 0; from < text.length; from = to) {
      to = endOf(text, from);
      const part = text.slice(from, to);
      sum += known.get(part) ?? countPart(part);
    }
    return sum;
  };
}

/** True of a part that was not met lately, as most ends of prompts: to remember it would cost more than it saves. */
function isNew(part: string, seen: Int32Array): boolean {
  let mark = FNV_OFFSET;
  for (let at = 0; at < part.length; at++) mark = Math.imul(mark ^ part.charCodeAt(at), FNV_PRIME);
  const place = (mark ^ (mark >>> 16)) & (SEEN_LENGTH - 1);
  if (seen[place] === mark) return false;
  seen[place] = mark;
  return true;
}

/** Marks of parts, a power of two of them. */
const SEEN_LENGTH = 4_096;
/** http://www.isthe.com/chongo/tech/comp/fnv/ */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Where the part ends that begins at `from`. */
function endOf(text: string, from: number): number {
  for (let at = from + PART_LENGTH; at < text.length - 1; at++) {
    const isPlace =
      text.charCodeAt(at) === SPACE && isLetter(text, at - 1) && isLetter(text, at + 1);
    if (isPlace) return at;
  }
  return text.length;
}

const SPACE = 0x20;

/** Of ASCII. */
function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at) | 0x20;
  return code >= 0x61 && code <= 0x7a;
}

/** A part of a text keeps the whole of it in memory; this does not. */
function ownText(part: string): string {
  return Buffer.from(part, 'utf16le').toString('utf16le');
}
