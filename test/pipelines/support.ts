import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Jdbx,
  JdbxError,
  MEMORY,
  type NewDocument,
  type OpenOptions,
  open,
} from '#jdbx/index.js';

/** A store in memory with two sandbox workers and nothing in its environment. */
export function openStore(options: OpenOptions = {}): Promise<Jdbx> {
  return open(MEMORY, { workers: 2, env: {}, random: () => 0.5, ...options });
}

/** A new folder for a store, and the way to remove it. */
export function storeFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'jdbx-pipelines-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function transformer(name: string, code: string, more: object = {}): NewDocument {
  return { _id: `transformer:${name}`, _type: 'transformer', code, ...more };
}

export function pipeline(name: string, stages: readonly object[], more: object = {}): NewDocument {
  return { _id: `pipeline:${name}`, _type: 'pipeline', stages, ...more };
}

export function prompt(
  name: string,
  template: string,
  variables: string[],
  more = {},
): NewDocument {
  return { _id: `prompt:${name}`, _type: 'prompt', template, variables, ...more };
}

/** An integration for a server that speaks OpenAI's API. */
export function integration(name: string, url: string, more: object = {}): NewDocument {
  return {
    _id: `integration:${name}`,
    _type: 'integration',
    provider: 'openai',
    endpoint: `${url}/v1`,
    model: 'test-model',
    retry_strategy: { max_retries: 0 },
    ...more,
  };
}

/** A chat answer with a text, as OpenAI gives it. */
export function chat(text: string, tokens = { prompt_tokens: 10, completion_tokens: 5 }): object {
  return {
    model: 'test-model-1',
    choices: [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: tokens,
  };
}

/** Stores one stage as a pipeline of its own, with what it needs, and runs it. */
export async function runStage(
  db: Jdbx,
  stage: object,
  input: unknown = {},
  documents: readonly NewDocument[] = [],
): Promise<unknown> {
  const name = `one-${++count}`;
  await db.put([...documents, pipeline(name, [{ name: 'stage', ...stage }])]);
  return (await db.run(`pipeline:${name}`, input)).output;
}
let count = 0;

/** Runs a guest's function as a stage's transformer, and gives what it returned. */
export function runGuest(
  db: Jdbx,
  code: string,
  permissions: readonly string[] = [],
  input: unknown = {},
  more: object = {},
): Promise<unknown> {
  const guest = transformer(`guest-${++count}`, code, { permissions, ...more });
  return runStage(db, { transformer: guest._id }, input, [guest]);
}

/** The error that a promise is rejected with; for a run that failed, what its stage threw. */
export async function failure(promise: Promise<unknown>): Promise<JdbxError> {
  const error = await promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (thrown: unknown) => thrown,
  );
  if (error instanceof JdbxError) return error;
  throw error;
}

/** The code and stage of a failed run. */
export async function runFailure(promise: Promise<unknown>) {
  const error = await failure(promise);
  const { code, stage } = (error.details ?? {}) as { code?: string; stage?: string };
  return {
    outer: error.code,
    code,
    stage,
    cause: error.cause as JdbxError,
    message: error.message,
  };
}

/**
 * Tries something that must run out of time, but not before it has come so far: with more and
 * more time, for a machine that is busy.
 */
export async function withEnoughTime<T>(
  attempt: (ms: number) => Promise<T>,
  cameSoFar: (result: T) => boolean,
): Promise<T> {
  for (let ms = 50; ; ms *= 2) {
    const result = await attempt(ms);
    if (cameSoFar(result)) return result;
  }
}

/** Waits until `ready` holds; the test's own timeout is the bound. */
export async function until(ready: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 5));
}
