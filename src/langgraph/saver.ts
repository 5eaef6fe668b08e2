import { isDeepStrictEqual } from 'node:util';
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
  type SerializerProtocol,
} from '@langchain/langgraph-checkpoint';
import type { ValueObject } from '../base/values.js';
import type { Filter } from '../documents/contract.js';
import type { Jdbx } from '../jdbx.js';
import { open } from '../open.js';
import type { OpenOptions } from '../open-options.js';
import { ChannelValues, type NewValue, UNVERSIONED } from './channel-values.js';
import { type Config, checkpointPlaceOf, configOf, namedBy, placeOf } from './config.js';
import {
  type CheckpointDocument,
  type CheckpointPlace,
  checkpointId,
  INDEXES,
  TYPES,
  type WriteDocument,
  writeId,
} from './documents.js';
import { type Encoded, encode, encodeBytes } from './encoded.js';
import { loadMetadata, loadTuple } from './load-tuple.js';
import { mergeWrites, storedWrites } from './pending-writes.js';
import { type NewCheckpoint, putCheckpoint } from './put-checkpoint.js';

/** Documents that one commit of `deleteThread` removes. */
const REMOVED_AT_ONCE = 2_000;

export interface SaverOptions extends OpenOptions {
  /** How values become bytes. Default: LangGraph's own serializer. */
  readonly serde?: SerializerProtocol | undefined;
}

/**
 * A LangGraph.js checkpointer whose checkpoints, channel values and writes are documents
 * of a JDBX store. A checkpoint and the values it brings are one commit, on the disk when
 * `put` resolves; a value is stored once, and one that grows costs its growth.
 *
 * @example
 * const graph = builder.compile({ checkpointer: new JdbxSaver(db) });
 */
export class JdbxSaver extends BaseCheckpointSaver implements AsyncDisposable {
  readonly #db: Jdbx;
  readonly #kept = new ChannelValues();
  #isOwner = false;
  #indexed: Promise<void> | undefined;

  /** On an open store, which stays its opener's to close. */
  constructor(db: Jdbx, serde?: SerializerProtocol) {
    super(serde);
    this.#db = db;
  }

  /**
   * Opens or creates the store at `path` for this saver, whose `close` then closes it.
   *
   * @throws {JdbxError} what `open` throws
   */
  static async open(path: string, { serde, ...options }: SaverOptions = {}): Promise<JdbxSaver> {
    const saver = new JdbxSaver(await open(path, options), serde);
    saver.#isOwner = true;
    return saver;
  }

  /** The store, to query checkpoints like any other documents. */
  get db(): Jdbx {
    return this.#db;
  }

  /** The checkpoint that the config names, or the newest of its thread and namespace. */
  override async getTuple(config: Config): Promise<CheckpointTuple | undefined> {
    const { thread_id, checkpoint_ns = '', checkpoint_id } = namedBy(config, 'getTuple');
    if (thread_id === undefined) return undefined;
    const document =
      checkpoint_id === undefined
        ? await this.#newest({ thread_id, checkpoint_ns }).first()
        : await this.#db.get<CheckpointDocument>(
            checkpointId({ thread_id, checkpoint_ns, checkpoint_id }),
          );
    return document && this.#load(document);
  }

  /** Newest first; without a thread, those of all threads. `filter` compares metadata. */
  override async *list(
    config: Config,
    { before, limit, filter }: CheckpointListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for await (const document of this.#newest(listed(config, before))) {
      if (!hasMetadata(await loadMetadata(this.serde, document), filter)) continue;
      const tuple = await this.#load(document);
      if (tuple === undefined) continue;
      yield tuple;
      left -= 1;
      if (left <= 0) return;
    }
  }

  /**
   * Stores a checkpoint, and of its channel values those that `newVersions` names.
   *
   * @throws {TypeError} when the config names no thread
   * @throws {JdbxError} DOCUMENT_TOO_LARGE for a value of over 16 MiB, STORE_FULL, STORE_CLOSED
   */
  override async put(
    config: Config,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<Config> {
    const place = { ...placeOf(config, 'put'), checkpoint_id: checkpoint.id };
    const parent_id = namedBy(config, 'put').checkpoint_id;
    const [document, values] = await Promise.all([
      this.#documentOf(place, parent_id, checkpoint, metadata),
      this.#valuesOf(checkpoint, newVersions),
    ]);
    await this.#index();
    await this.#db.transaction((tx) => putCheckpoint(tx, this.#kept, { document, values }));
    return configOf(place);
  }

  /**
   * Stores what a task wrote towards the step after a checkpoint. A write that is
   * there already stays; errors and interrupts are replaced.
   *
   * @throws {TypeError} when the config names no thread or no checkpoint
   */
  override async putWrites(
    config: Config,
    writes: PendingWrite[],
    taskId: string,
    taskPath = '',
  ): Promise<void> {
    const place = checkpointPlaceOf(config, 'putWrites');
    const coming = await storedWrites(this.serde, writes, taskPath);
    const _id = writeId(place, taskId);
    await this.#index();
    await this.#db.transaction(async (tx) => {
      const stored = await tx.get<WriteDocument>(_id);
      const merged = mergeWrites(stored?.writes ?? [], coming);
      await tx.put({ _id, _type: TYPES.write, ...place, task_id: taskId, writes: merged });
    });
  }

  /**
   * Removes every checkpoint, value and write of a thread; checkpoints first, so that
   * what a crash leaves of a long one is not seen, and removed by the next call.
   */
  override async deleteThread(threadId: string): Promise<void> {
    const { thread_id } = placeOf({ configurable: { thread_id: threadId } }, 'deleteThread');
    for (const _type of [TYPES.checkpoint, TYPES.write, TYPES.value]) {
      await this.#removeAll({ _type, thread_id });
    }
  }

  /** Closes the store if `JdbxSaver.open` opened it. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#isOwner) await this.#db.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #newest(filter: Filter) {
    return this.#db
      .query<CheckpointDocument>({ _type: TYPES.checkpoint, ...filter })
      .sort({ checkpoint_id: -1 });
  }

  /** Undefined when the checkpoint was removed meanwhile. */
  async #load(document: CheckpointDocument): Promise<CheckpointTuple | undefined> {
    using snapshot = this.#db.snapshot();
    if (snapshot.get(document._id) === undefined) return undefined;
    const { serde } = this;
    const firstVersion = this.getNextVersion(undefined);
    return await loadTuple({ snapshot, serde, kept: this.#kept, firstVersion }, document);
  }

  async #documentOf(
    place: CheckpointPlace,
    parent_id: string | undefined,
    { channel_values: _, channel_versions, ...rest }: Checkpoint,
    metadata: CheckpointMetadata,
  ): Promise<NewCheckpoint['document']> {
    const [checkpoint, encoded] = await Promise.all([
      encode(this.serde, rest),
      encode(this.serde, metadata),
    ]);
    return {
      _id: checkpointId(place),
      _type: TYPES.checkpoint,
      ...place,
      ...(parent_id === undefined ? {} : { parent_id }),
      checkpoint,
      channel_versions: { ...channel_versions },
      ...storedMetadata(encoded),
    };
  }

  async #valuesOf(
    { channel_values, channel_versions }: Checkpoint,
    newVersions: ChannelVersions = channel_versions,
  ): Promise<NewValue[]> {
    const unversioned = Object.keys(channel_values).filter(
      (channel) => !Object.hasOwn(channel_versions, channel),
    );
    const versions = [
      ...Object.entries(newVersions),
      ...unversioned.map((channel) => [channel, UNVERSIONED] as const),
    ];
    return Promise.all(
      versions.map(async ([channel, version]) => {
        const value = Object.hasOwn(channel_values, channel) ? channel_values[channel] : undefined;
        const isEmpty = value === undefined;
        return {
          channel,
          version,
          value: isEmpty ? undefined : await encodeBytes(this.serde, value),
        };
      }),
    );
  }

  #index(): Promise<void> {
    this.#indexed ??= this.#putIndexes().catch((error) => {
      this.#indexed = undefined;
      throw error;
    });
    return this.#indexed;
  }

  async #putIndexes(): Promise<void> {
    const stored = await this.#db.getMany(INDEXES.map(({ _id }) => String(_id)));
    const missing = INDEXES.filter((_, at) => stored[at] === undefined);
    if (missing.length > 0) await this.#db.put(missing);
  }

  async #removeAll(filter: Filter): Promise<void> {
    for (;;) {
      const found = await this.#db.query(filter).limit(REMOVED_AT_ONCE).project({ _id: 1 });
      if (found.length === 0) return;
      const ids = found.map(({ _id }) => _id);
      await this.#db.remove({ _id: { $in: ids } }, { many: true });
    }
  }
}

function listed(config: Config, before: Config | undefined): Filter {
  const { checkpoint_id, ...names } = namedBy(config, 'list');
  const older = before && namedBy(before, 'list').checkpoint_id;
  const bounds = {
    ...(checkpoint_id === undefined ? {} : { $eq: checkpoint_id }),
    ...(older === undefined ? {} : { $lt: older }),
  };
  const given = Object.entries(names).filter(([, value]) => value !== undefined);
  const isBounded = Object.keys(bounds).length > 0;
  return { ...Object.fromEntries(given), ...(isBounded ? { checkpoint_id: bounds } : {}) };
}

function hasMetadata(metadata: CheckpointMetadata, filter: Record<string, unknown> = {}): boolean {
  return Object.entries(filter).every(
    ([key, value]) =>
      value === undefined ||
      isDeepStrictEqual((metadata as Record<string, unknown> | undefined)?.[key], value),
  );
}

/** JSON is kept as data, which can be queried; anything else as the serializer gave it. */
function storedMetadata(encoded: Encoded): Pick<CheckpointDocument, 'metadata' | 'metadata_is'> {
  if (encoded.type === 'json' && 'text' in encoded)
    return { metadata: JSON.parse(encoded.text) as ValueObject, metadata_is: 'json' };
  return { metadata: encoded, metadata_is: 'encoded' };
}
