import { type BaseCheckpointSaver, getCheckpointId } from '@langchain/langgraph-checkpoint';
import type { CheckpointPlace, Place } from './documents.js';

/** LangChain's `RunnableConfig`. */
export type Config = Parameters<BaseCheckpointSaver['getTuple']>[0];

/** What a config names, each field checked; absent ones are undefined. */
export interface Named {
  readonly thread_id: string | undefined;
  readonly checkpoint_ns: string | undefined;
  readonly checkpoint_id: string | undefined;
}

/** @throws {TypeError} when a name is not a string */
export function namedBy(config: Config, verb: string): Named {
  const { thread_id, checkpoint_ns } = config.configurable ?? {};
  return {
    thread_id: optionalText(thread_id, 'thread_id', verb),
    checkpoint_ns: optionalText(checkpoint_ns, 'checkpoint_ns', verb),
    checkpoint_id: optionalText(getCheckpointId(config), 'checkpoint_id', verb) || undefined,
  };
}

/** @throws {TypeError} when the config names no thread */
export function placeOf(config: Config, verb: string): Place {
  const { thread_id, checkpoint_ns = '' } = namedBy(config, verb);
  return { thread_id: required(thread_id, 'thread_id', verb), checkpoint_ns };
}

/** @throws {TypeError} when the config names no thread or no checkpoint */
export function checkpointPlaceOf(config: Config, verb: string): CheckpointPlace {
  const { checkpoint_id } = namedBy(config, verb);
  return {
    ...placeOf(config, verb),
    checkpoint_id: required(checkpoint_id, 'checkpoint_id', verb),
  };
}

/** The config of a stored checkpoint: the three names and nothing else. */
export function configOf({ thread_id, checkpoint_ns, checkpoint_id }: CheckpointPlace): {
  configurable: Record<string, string>;
} {
  return { configurable: { thread_id, checkpoint_ns, checkpoint_id } };
}

function required(value: string | undefined, name: string, verb: string): string {
  if (value) return value;
  const got = value === undefined ? 'none' : 'an empty one';
  throw new TypeError(`${verb}: expected config.configurable.${name} to be a text, got ${got}`);
}

function optionalText(value: unknown, name: string, verb: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(
    `${verb}: expected config.configurable.${name} to be a string, got ${value === null ? 'null' : typeof value}`,
  );
}
