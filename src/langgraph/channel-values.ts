import { LRUCache } from 'lru-cache';
import { nanoid } from 'nanoid';
import { JdbxError } from '../base/errors.js';
import { type Base, partOf, rebuild } from './differences.js';
import { type CheckpointDocument, type ValueDocument, type Version, valueId } from './documents.js';

/** Bytes of values kept in memory, so that the next version's difference needs no reading. */
const KEPT_BYTES_MAX = 32 * 2 ** 20;
const TAG_LENGTH = 12;

export interface SerializedValue {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A channel that a checkpoint brings a value for; `value` is undefined when it is empty now. */
export interface NewValue {
  readonly channel: string;
  readonly version: Version;
  readonly value: SerializedValue | undefined;
}

/** Stands for the version of a channel that a checkpoint gives a value but no version. */
export const UNVERSIONED = '';

export type Read = (id: string) => Promise<ValueDocument | undefined>;

/** The documents that hold channel values: each value once, by channel and version. */
export class ChannelValues {
  /** Recent values, whole, by the tag of their document. */
  readonly #kept = new LRUCache<string, Uint8Array>({
    maxSize: KEPT_BYTES_MAX,
    sizeCalculation: (bytes) => bytes.length + 100,
  });

  /** What the document of a new value holds, built on `base` where that is a gain. */
  fieldsOf(
    { type, bytes }: SerializedValue,
    base: Base | undefined,
  ): Pick<ValueDocument, 'tag' | 'type' | 'size' | 'bytes' | 'difference'> {
    const tag = nanoid(TAG_LENGTH);
    this.#kept.set(tag, bytes);
    return { tag, type, size: bytes.length, ...partOf(bytes, base) };
  }

  /** The value that the earlier checkpoint has of a channel, to build on. */
  async baseOf(
    earlier: CheckpointDocument | undefined,
    channel: string,
    read: Read,
  ): Promise<Base | undefined> {
    const id = earlier && idIn(earlier, channel);
    const document = id === undefined ? undefined : await read(id);
    if (document === undefined) return undefined;
    const bytes = await this.bytesOf(document, read);
    return bytes && { document, bytes };
  }

  /** @throws {JdbxError} STORE_CORRUPT when a document that it builds on is gone */
  async bytesOf(document: ValueDocument, read: Read): Promise<Uint8Array> {
    const kept = this.#kept.get(document.tag);
    if (kept) return kept;
    const chain = new Map<string, ValueDocument>();
    for (let at = document.difference; at; ) {
      const base = await read(at.base);
      if (base) chain.set(at.base, base);
      at = base?.difference;
    }
    const bytes = rebuild(document, (id) => chain.get(id));
    if (bytes === undefined) {
      throw new JdbxError('STORE_CORRUPT', `${document._id}: a value that it builds on is gone`);
    }
    this.#kept.set(document.tag, bytes);
    return bytes;
  }
}

/** The id of a channel's value in a checkpoint; undefined when the channel is empty there. */
export function idIn(checkpoint: CheckpointDocument, channel: string): string | undefined {
  const home = Object.hasOwn(checkpoint.homes, channel) ? checkpoint.homes[channel] : undefined;
  if (home === null) return undefined;
  const versions = checkpoint.channel_versions;
  const version = Object.hasOwn(versions, channel) ? versions[channel] : undefined;
  if (version === undefined && home === undefined) return undefined;
  return valueId(checkpoint, channel, version ?? UNVERSIONED, home);
}
