import { randomBytes } from 'node:crypto';
import type { DocumentRef } from '../indexes/contract.js';

/**
 * What the table of ids keeps of one id: a cache line, compared by words.
 *
 *   hash u32 | ref u32 | one byte a character, 55 at most, then zeros | length u8
 */
export const RECORD_WORDS = 16;
export const HASH_AT = 0;
export const REF_AT = 1;
const TEXT_AT = 2;
/** The length is its highest byte; the others may hold the last characters. */
const LAST = RECORD_WORDS - 1;
const TEXT_MAX = (RECORD_WORDS - TEXT_AT) * 4 - 1;

/** Two odd factors for each word, drawn anew in each process, so that nobody can choose ids that meet. */
const FACTORS = new Int32Array(RECORD_WORDS * 2).map(() => randomBytes(4).readInt32LE() | 1);

/** Of the id that was hashed last: its words from `TEXT_AT` up to `askedEnd`, and the last one. */
const asked = new Uint32Array(RECORD_WORDS);
let askedEnd = TEXT_AT;

/**
 * 32 bits of an id, which becomes the one that is asked for; -1 for what has no record: other than short text
 * of characters up to 255. It takes four characters at a time, and no step waits for the one before.
 */
export function hashOf(id: string): number {
  if (typeof id !== 'string' || id.length > TEXT_MAX) return -1;
  const { length } = id;
  let all = 0;
  let hash = 0;
  let end = TEXT_AT;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const first = id.charCodeAt(at);
    const second = id.charCodeAt(at + 1);
    const third = id.charCodeAt(at + 2);
    const fourth = id.charCodeAt(at + 3);
    all |= first | second | third | fourth;
    const word = first | (second << 8) | (third << 16) | (fourth << 24);
    hash = (hash + mixed(word, end)) | 0;
    asked[end++] = word;
  }
  let rest = 0;
  for (let shift = 0; at < length; at++, shift += 8) {
    const unit = id.charCodeAt(at);
    all |= unit;
    rest |= unit << shift;
  }
  if (all > 255) return -1;
  if (end < LAST) {
    hash = (hash + mixed(rest, end)) | 0;
    asked[end++] = rest;
    rest = 0;
  }
  const last = rest | (length << 24);
  asked[LAST] = last;
  askedEnd = end;
  hash = (hash + mixed(last, LAST)) | 0;
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Whether the record that starts there is that of the id that was hashed last. */
export function isAsked(words: Uint32Array, start: number): boolean {
  if (words[start + LAST] !== asked[LAST]) return false;
  for (let at = TEXT_AT; at < askedEnd; at++) {
    if (words[start + at] !== asked[at]) return false;
  }
  return true;
}

/** Writes the record of the id that was hashed last. */
export function putRecord(words: Uint32Array, start: number, hash: number, ref: DocumentRef): void {
  words[start + HASH_AT] = hash;
  words[start + REF_AT] = ref;
  for (let at = TEXT_AT; at < LAST; at++)
    words[start + at] = at < askedEnd ? (asked[at] as number) : 0;
  words[start + LAST] = asked[LAST] as number;
}

/** The part that one word has in the hash. */
function mixed(word: number, at: number): number {
  const once = Math.imul(word, FACTORS[at] as number);
  return Math.imul(once ^ (once >>> 15), FACTORS[at + RECORD_WORDS] as number);
}
