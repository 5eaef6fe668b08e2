import type { Document } from '../../base/document.js';
import { isoTime } from '../../base/iso-time.js';
import type { Value } from '../../base/values.js';
import type { Draft } from '../../documents/draft.js';
import { takeMade } from '../../documents/take-document.js';
import { storeValue } from '../stored-value.js';
import { topicOf } from './wait-document.js';

/** Something that waits can meet, by name and key. A signal is one that is meant for one run. */
export interface EventDocument extends Document {
  readonly _type: 'event';
  readonly name: string;
  readonly key: Value;
  /** The commit that it came with: events are met in this order. */
  readonly n: number;
  /** True: one wait takes it. */
  readonly once: boolean;
  /** ISO 8601, UTC; from then on it is met no more. */
  readonly expires_at: string;
  /** The run that a signal is meant for. */
  readonly to?: string;
  /** As long as it can be met. */
  readonly topic?: string;
  /** The wait that took it. */
  readonly taken_by?: string;
}

export interface Emitted {
  readonly name: string;
  readonly key: Value;
  readonly value: Value;
  readonly once: boolean;
  /** Milliseconds. Default 30 days. */
  readonly keepMs?: number | undefined;
  readonly to?: string | undefined;
}

const KEEP_MS = 30 * 24 * 3_600_000;

export function insertEvent(draft: Draft, id: string, emitted: Emitted): EventDocument {
  const { name, key, value, once, keepMs = KEEP_MS, to } = emitted;
  return draft.insert(
    takeMade({
      _id: id,
      _type: 'event',
      name,
      key,
      n: draft.seq,
      once,
      at: isoTime(draft.at),
      expires_at: isoTime(draft.at + keepMs),
      topic: topicOf(name, key, to ?? null),
      ...(to === undefined ? {} : { to }),
      ...storeValue(draft, 'value', value),
    }),
  ) as EventDocument;
}
