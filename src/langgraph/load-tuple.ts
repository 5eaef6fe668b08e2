import {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  maxChannelVersion,
  type SerializerProtocol,
  TASKS,
} from '@langchain/langgraph-checkpoint';
import type { Snapshot } from '../documents/snapshot.js';
import { type ChannelValues, idIn } from './channel-values.js';
import { configOf } from './config.js';
import {
  type CheckpointDocument,
  type CheckpointPlace,
  TYPES,
  type ValueDocument,
  type WriteDocument,
} from './documents.js';
import { decode, type Encoded } from './encoded.js';
import { pendingWrites } from './pending-writes.js';

/** The version from which on a checkpoint holds its pending sends itself. */
const SENDS_IN_CHANNEL = 4;

export interface Loading {
  readonly snapshot: Snapshot;
  readonly serde: SerializerProtocol;
  readonly kept: ChannelValues;
  /** The version that an empty channel gets first. */
  readonly firstVersion: string | number;
}

/** A stored checkpoint with its values and writes, as LangGraph wants it. */
export async function loadTuple(
  loading: Loading,
  document: CheckpointDocument,
): Promise<CheckpointTuple> {
  const { parent_id } = document;
  const checkpoint = await loadCheckpoint(loading, document);
  if (checkpoint.v < SENDS_IN_CHANNEL && parent_id !== undefined)
    await takeSends(loading, { ...document, checkpoint_id: parent_id }, checkpoint);
  return {
    config: configOf(document),
    checkpoint,
    metadata: await loadMetadata(loading.serde, document),
    pendingWrites: await pendingWrites(loading.serde, writesTo(loading.snapshot, document)),
    ...(parent_id === undefined
      ? {}
      : { parentConfig: configOf({ ...document, checkpoint_id: parent_id }) }),
  };
}

export function loadMetadata(
  serde: SerializerProtocol,
  { metadata, metadata_is }: CheckpointDocument,
): Promise<CheckpointMetadata> {
  const encoded: Encoded =
    metadata_is === 'json'
      ? { type: 'json', text: JSON.stringify(metadata) }
      : (metadata as unknown as Encoded);
  return decode(serde, encoded) as Promise<CheckpointMetadata>;
}

async function loadCheckpoint(loading: Loading, document: CheckpointDocument): Promise<Checkpoint> {
  const rest = (await decode(loading.serde, document.checkpoint)) as Checkpoint;
  return {
    ...rest,
    id: document.checkpoint_id,
    channel_values: await loadValues(loading, document),
    channel_versions: { ...document.channel_versions },
  };
}

async function loadValues(
  { snapshot, serde, kept }: Loading,
  document: CheckpointDocument,
): Promise<Record<string, unknown>> {
  const read = async (id: string) => snapshot.get<ValueDocument>(id);
  const values: Record<string, unknown> = {};
  for (const channel of channelsOf(document)) {
    const id = idIn(document, channel);
    const stored = id === undefined ? undefined : snapshot.get<ValueDocument>(id);
    if (stored === undefined) continue;
    const bytes = await kept.bytesOf(stored, read);
    values[channel] = await serde.loadsTyped(stored.type, bytes);
  }
  return values;
}

function channelsOf({ channel_versions, homes }: CheckpointDocument): Iterable<string> {
  return new Set([...Object.keys(channel_versions), ...Object.keys(homes)]);
}

function writesTo(snapshot: Snapshot, place: CheckpointPlace): WriteDocument[] {
  const { thread_id, checkpoint_ns, checkpoint_id } = place;
  return snapshot.query<WriteDocument>({
    _type: TYPES.write,
    thread_id,
    checkpoint_ns,
    checkpoint_id,
  });
}

/** Checkpoints of old formats have what was sent to tasks among the writes to their parent. */
async function takeSends(
  { snapshot, serde, firstVersion }: Loading,
  parent: CheckpointPlace,
  checkpoint: Checkpoint,
): Promise<void> {
  const writes = await pendingWrites(serde, writesTo(snapshot, parent));
  const versions = Object.values(checkpoint.channel_versions);
  checkpoint.channel_values[TASKS] = writes.flatMap(([, channel, value]) =>
    channel === TASKS ? [value] : [],
  );
  checkpoint.channel_versions[TASKS] =
    versions.length > 0 ? maxChannelVersion(...versions) : firstVersion;
}
