import {
  type CheckpointPendingWrite,
  type PendingWrite,
  type SerializerProtocol,
  WRITES_IDX_MAP,
} from '@langchain/langgraph-checkpoint';
import { compareStrings } from '../base/order.js';
import type { StoredWrite, WriteDocument } from './documents.js';
import { decode, encode } from './encoded.js';

/** A task's writes as they are stored: errors, interrupts and the like have places of their own. */
export function storedWrites(
  serde: SerializerProtocol,
  writes: readonly PendingWrite[],
  path: string,
): Promise<StoredWrite[]> {
  return Promise.all(
    writes.map(async ([channel, value], at) => ({
      idx: WRITES_IDX_MAP[channel] ?? at,
      channel,
      path,
      value: await encode(serde, value),
    })),
  );
}

/** A write that is there stays, so that a task that runs again changes nothing; a special one is replaced. */
export function mergeWrites(
  stored: readonly StoredWrite[],
  coming: readonly StoredWrite[],
): StoredWrite[] {
  const merged = new Map(stored.map((write) => [write.idx, write]));
  for (const write of coming) {
    if (write.idx < 0 || !merged.has(write.idx)) merged.set(write.idx, write);
  }
  return [...merged.values()];
}

interface OfTask {
  readonly task: string;
  readonly write: StoredWrite;
}

/** In the order in which LangGraph applies them: by path, task and place. */
export function inOrder(documents: readonly WriteDocument[]): OfTask[] {
  return documents
    .flatMap(({ task_id, writes }) => writes.map((write) => ({ task: task_id, write })))
    .sort(
      (left, right) =>
        compareStrings(left.write.path, right.write.path) ||
        compareStrings(left.task, right.task) ||
        left.write.idx - right.write.idx,
    );
}

export function pendingWrites(
  serde: SerializerProtocol,
  documents: readonly WriteDocument[],
): Promise<CheckpointPendingWrite[]> {
  return Promise.all(
    inOrder(documents).map(
      async ({ task, write }): Promise<CheckpointPendingWrite> => [
        task,
        write.channel,
        await decode(serde, write.value),
      ],
    ),
  );
}
