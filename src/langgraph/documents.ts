import { createHash } from 'node:crypto';
import type { NewDocument } from '../base/document.js';
import { ID_BYTES_MAX } from '../base/ids.js';
import type { ValueObject } from '../base/values.js';
import type { Encoded } from './encoded.js';

/** Where a checkpoint lives: LangGraph's own names. */
export interface Place {
  readonly thread_id: string;
  readonly checkpoint_ns: string;
}

export interface CheckpointPlace extends Place {
  readonly checkpoint_id: string;
}

export type Version = string | number;

interface Stored {
  readonly _id: string;
  readonly _type: string;
  readonly _rev: number;
}

/** A checkpoint without its channel values. */
export interface CheckpointDocument extends Stored, CheckpointPlace {
  readonly parent_id?: string;
  /** The checkpoint less `channel_values` and `channel_versions`. */
  readonly checkpoint: Encoded;
  readonly channel_versions: { readonly [channel: string]: Version };
  /** As plain data when the serializer writes JSON, so that it can be queried. */
  readonly metadata: ValueObject | Encoded;
  readonly metadata_is: 'json' | 'encoded';
  /**
   * Channels whose value is not the document that channel and version name: null for none,
   * else the name that tells it from the value that another branch of the thread
   * gave the same version.
   */
  readonly homes: { readonly [channel: string]: string | null };
}

/** The value of one channel at one version: whole, or as what differs from an earlier one. */
export interface ValueDocument extends Stored, Place {
  readonly channel: string;
  readonly version: Version;
  /** Random: tells this document from a later one of the same id. */
  readonly tag: string;
  /** The serializer's name for the encoding. */
  readonly type: string;
  /** Of the whole value, in bytes. */
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly difference?: Difference;
}

/** `bytes` stand between the first `prefix` and the last `suffix` bytes of the value `base`. */
export interface Difference {
  readonly base: string;
  readonly prefix: number;
  readonly suffix: number;
  /** Documents to read before this one. */
  readonly depth: number;
  /** Bytes in the differences since the last whole value, this one's included. */
  readonly chain_bytes: number;
}

/** What one task wrote towards the step after a checkpoint. */
export interface WriteDocument extends Stored, CheckpointPlace {
  readonly task_id: string;
  readonly writes: readonly StoredWrite[];
}

export interface StoredWrite {
  readonly idx: number;
  readonly channel: string;
  readonly path: string;
  readonly value: Encoded;
}

export const TYPES = {
  checkpoint: 'langgraph_checkpoint',
  value: 'langgraph_value',
  write: 'langgraph_write',
} as const;

/** Put by the saver at its first use. */
export const INDEXES: readonly NewDocument[] = [
  index(TYPES.checkpoint, { thread_id: 1, checkpoint_ns: 1, checkpoint_id: -1 }),
  index(TYPES.write, { thread_id: 1, checkpoint_ns: 1, checkpoint_id: 1 }),
  index(TYPES.value, { thread_id: 1 }),
];

function index(type: string, key: ValueObject): NewDocument {
  return { _id: `index:${type}`, _type: 'index', type, key };
}

export function checkpointId({ thread_id, checkpoint_ns, checkpoint_id }: CheckpointPlace): string {
  return idOf(TYPES.checkpoint, [thread_id, checkpoint_ns, checkpoint_id]);
}

export function writeId(place: CheckpointPlace, task: string): string {
  return idOf(TYPES.write, [place.thread_id, place.checkpoint_ns, place.checkpoint_id, task]);
}

/** `home` tells a value from another of the same version. */
export function valueId(place: Place, channel: string, version: Version, home?: string): string {
  const parts = [place.thread_id, place.checkpoint_ns, channel, version];
  return idOf(TYPES.value, home === undefined ? parts : [...parts, home]);
}

/** Names of any length make an id that is short enough: what is too long is hashed. */
function idOf(type: string, parts: readonly Version[]): string {
  const plain = `${type}:${JSON.stringify(parts)}`;
  if (Buffer.byteLength(plain) <= ID_BYTES_MAX) return plain;
  return `${type}:${createHash('sha256').update(plain).digest('hex')}`;
}
