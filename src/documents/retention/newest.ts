import { encodeKey, prefixEnd } from '../../base/key-bytes.js';
import type { Value } from '../../base/values.js';
import type { StoredDocument } from '../../storage/contract.js';
import type { DocumentBounds } from './definition.js';
import { timeAt, valueAt } from './due-time.js';
import { removeSeen, scanType } from './scan.js';
import { type Work, WRITES_MAX } from './work.js';

/** Documents held in mind at once; more are dealt with in further scans. */
const HELD_MAX = 20_000;

interface Entry {
  readonly order: number;
  readonly ref: number;
  readonly seq: number;
  readonly document: { readonly _id: string };
}

/** Removes what lies beyond the newest so many documents of a type, of each value of `per`. */
export async function removeBeyondNewest(work: Work, type: string, bounds: DocumentBounds) {
  const { newest, per } = bounds;
  if (newest === undefined) return;
  const lower = encodeKey([type]);
  const range = { lower, upper: prefixEnd(lower) };
  const count = work.look((view) => view.typeIndex.count(range, view.seq));
  if (count <= newest) return;
  if (per === undefined) await removeOldest(work, type, bounds, newest);
  else {
    const parts = Math.ceil(count / HELD_MAX);
    for (let part = 0; part < parts; part++) {
      await removeOfGroups(work, type, bounds, newest, (key) => hash(key) % parts === part);
    }
  }
}

/** The oldest go first, as many as can be held, until as many are left as may be. */
async function removeOldest(work: Work, type: string, bounds: DocumentBounds, newest: number) {
  for (let left = Number.POSITIVE_INFINITY; left > 0; ) {
    let oldest: Entry[] = [];
    let counted = 0;
    for await (const found of scanType(work, type)) {
      for (const stored of found) {
        if (bounds.matches && !bounds.matches(stored.document)) continue;
        counted++;
        oldest.push(entryOf(stored, bounds));
      }
      if (oldest.length >= 2 * HELD_MAX) oldest = oldest.sort(byAge).slice(0, HELD_MAX);
    }
    const excess = Math.max(0, Math.min(left, counted - newest));
    const due = oldest.sort(byAge).slice(0, Math.min(excess, HELD_MAX));
    await removeAll(work, due);
    left = work.isDry || due.length === 0 ? 0 : excess - due.length;
  }
}

async function removeOfGroups(
  work: Work,
  type: string,
  bounds: DocumentBounds,
  newest: number,
  isWanted: (key: string) => boolean,
): Promise<void> {
  const groups = new Map<string, Entry[]>();
  for await (const found of scanType(work, type)) {
    for (const stored of found) {
      if (bounds.matches && !bounds.matches(stored.document)) continue;
      const key = groupOf(stored, bounds.per as string);
      if (!isWanted(key)) continue;
      const group = groups.get(key);
      if (group) group.push(entryOf(stored, bounds));
      else groups.set(key, [entryOf(stored, bounds)]);
    }
  }
  for (const group of groups.values()) {
    if (group.length <= newest) continue;
    await removeAll(work, group.sort(byAge).slice(0, group.length - newest));
  }
}

async function removeAll(work: Work, due: readonly Entry[]): Promise<void> {
  for (let at = 0; at < due.length; at += WRITES_MAX) {
    await removeSeen(work, due.slice(at, at + WRITES_MAX));
    await work.yield();
  }
}

/** What has no date is older than what has one. */
function entryOf({ ref, seq, document }: StoredDocument, { field }: DocumentBounds): Entry {
  const order = field === undefined ? seq : (timeAt(document, field) ?? Number.NEGATIVE_INFINITY);
  return { order, ref, seq, document: { _id: document._id } };
}

function byAge(one: Entry, other: Entry): number {
  if (one.order !== other.order) return one.order < other.order ? -1 : 1;
  return one.seq - other.seq || one.ref - other.ref;
}

/** Missing is null, as everywhere. */
function groupOf({ document }: StoredDocument, per: string): string {
  return Buffer.from(encodeKey([valueAt(document, per) as Value | undefined])).toString('latin1');
}

/** 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    value = Math.imul(value ^ key.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}
