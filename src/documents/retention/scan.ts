import { encodeKey, prefixEnd } from '../../base/key-bytes.js';
import type { StoredDocument } from '../../storage/contract.js';
import type { View } from '../view.js';
import { type Work, WRITES_MAX } from './work.js';

/** Every document of exactly this type, some at a time, each time out of the newest commit. */
export async function* scanType(work: Work, type: string): AsyncGenerator<StoredDocument[]> {
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { found, last } = work.look((view, isLate) => readSome(view, isLate, type, after ?? ''));
    after = last;
    if (found.length > 0) yield found;
    await work.yield();
  }
}

function readSome(view: View, isLate: () => boolean, type: string, after: string) {
  const found: StoredDocument[] = [];
  for (const id of idsAfter(view, type, after)) {
    // Around the cache: what is about to go must not drive out what is read.
    const stored = view.engine.get(id);
    if (stored) found.push(stored);
    if (found.length === WRITES_MAX || isLate()) return { found, last: id };
  }
  return { found, last: undefined };
}

function* idsAfter(view: View, type: string, after: string): Generator<string> {
  const upper = prefixEnd(encodeKey([type]));
  const range = { lower: encodeKey([type, after]), lowerInclusive: false, upper };
  const cursor = view.typeIndex.scan(range, view.seq);
  const refs = new Uint32Array(WRITES_MAX);
  try {
    for (let count = cursor.next({ refs }); count > 0; count = cursor.next({ refs })) {
      for (const ref of refs.subarray(0, count)) {
        const id = view.idOf(ref);
        if (id !== undefined) yield id;
      }
    }
  } finally {
    cursor.close();
  }
}

/** What was seen of a document when it was found due. */
export interface Seen {
  readonly seq: number;
  readonly document: { readonly _id: string };
}

/** Removes documents, but for those that were written again since. */
export async function removeSeen(work: Work, due: readonly Seen[]): Promise<void> {
  await work.write('documents', due.length, (draft) => {
    const same = due.filter(({ seq, document: { _id } }) => draft.stored(_id)?.seq === seq);
    for (const { document } of same) draft.remove(document._id);
    return same.length;
  });
}
