import { nanoid } from 'nanoid';
import type { Transaction } from '../documents/transaction.js';
import {
  type ChannelValues,
  type NewValue,
  type Read,
  type SerializedValue,
  UNVERSIONED,
} from './channel-values.js';
import {
  type CheckpointDocument,
  type CheckpointPlace,
  checkpointId,
  TYPES,
  type ValueDocument,
  valueId,
} from './documents.js';

/** A checkpoint about to be stored: its document but for `homes`, and the values that it brings. */
export interface NewCheckpoint {
  readonly document: Omit<CheckpointDocument, '_rev' | 'homes'>;
  readonly values: readonly NewValue[];
}

const HOME_LENGTH = 12;

type Homes = Record<string, string | null>;

/** Writes a checkpoint and its new channel values: all of it or, where anything fails, none. */
export async function putCheckpoint(
  tx: Transaction,
  kept: ChannelValues,
  { document, values }: NewCheckpoint,
): Promise<void> {
  const earlier = await earlierOf(tx, document);
  const homes = inherited(document, earlier);
  for (const value of values) {
    const home = await putValue(tx, kept, { document, earlier, value });
    if (home === undefined) delete homes[value.channel];
    else homes[value.channel] = home;
  }
  await tx.put({ ...document, homes });
}

async function earlierOf(
  tx: Transaction,
  document: NewCheckpoint['document'],
): Promise<CheckpointDocument | undefined> {
  if (document.parent_id === undefined) return undefined;
  const place: CheckpointPlace = { ...document, checkpoint_id: document.parent_id };
  return tx.get<CheckpointDocument>(checkpointId(place));
}

/** Where the values are that a checkpoint has from the one before it. */
function inherited(
  { channel_versions }: NewCheckpoint['document'],
  earlier: CheckpointDocument | undefined,
): Homes {
  const entries = Object.entries(earlier?.homes ?? {});
  return Object.fromEntries(
    entries.filter(
      ([channel]) =>
        Object.hasOwn(channel_versions, channel) &&
        channel_versions[channel] === earlier?.channel_versions[channel],
    ),
  );
}

interface Coming {
  readonly document: NewCheckpoint['document'];
  readonly earlier: CheckpointDocument | undefined;
  readonly value: NewValue;
}

/**
 * Gives the value's home, as in the document's `homes`; undefined for the usual place.
 * A stored value is never replaced, since others may build on it.
 */
async function putValue(
  tx: Transaction,
  kept: ChannelValues,
  { document, earlier, value: { channel, version, value } }: Coming,
): Promise<string | null | undefined> {
  if (value === undefined) return null;
  const read = (id: string) => tx.get<ValueDocument>(id);
  const usual = await read(valueId(document, channel, version));
  if (usual && (await isSame(kept, usual, value, read))) return undefined;
  const home = usual || version === UNVERSIONED ? nanoid(HOME_LENGTH) : undefined;
  const base = await kept.baseOf(earlier, channel, read);
  const fields = kept.fieldsOf(value, base);
  const { thread_id, checkpoint_ns } = document;
  await tx.insert({
    _id: valueId(document, channel, version, home),
    _type: TYPES.value,
    thread_id,
    checkpoint_ns,
    channel,
    version,
    ...fields,
  });
  return home;
}

async function isSame(
  kept: ChannelValues,
  stored: ValueDocument,
  { type, bytes }: SerializedValue,
  read: Read,
): Promise<boolean> {
  if (stored.type !== type || stored.size !== bytes.length) return false;
  return Buffer.compare(await kept.bytesOf(stored, read), bytes) === 0;
}
