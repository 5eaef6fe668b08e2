/**
 * Every code that a `JdbxError` can carry, with the sentence that the README's
 * table prints. A code is part of the public contract: it is never reused for
 * another meaning, and removing one is a breaking change.
 */
export const ERROR_CODES = {
  // documents and queries
  INVALID_DOCUMENT:
    'a value that no document can hold, or a document that breaks a rule; names the path',
  DOCUMENT_TOO_LARGE: 'a document over the size, depth or key limit',
  TRANSACTION_TOO_LARGE: 'a transaction that changes more documents than one commit may',
  DUPLICATE_ID: '`insert` of an `_id` that exists',
  DUPLICATE_KEY: 'a write that a unique index refuses; names the index',
  CONFLICT: 'the document changed since it was read; read again and retry',
  SCHEMA_VIOLATION: 'a document that the schema document of its type refuses; names the path',
  PROTECTED_TYPE: 'a verb on a type that it may not touch, such as writing an audit document',
  INVALID_FILTER: 'a filter that the query language does not know',
  INVALID_UPDATE:
    'an update that the query language does not know, or that changes `_id`, `_type` or `_rev`',
  INVALID_EXPRESSION: 'an expression or aggregation stage that fails or is unknown',
  INVALID_INDEX: 'an index document that cannot be built',
  MISSING_DOCUMENT: 'a document that another one names does not exist',
  INVALID_IMPORT: 'text that is not JSON, JSON lines or CSV; names the line',
  // the store
  STORE_IN_USE: 'this process has the store open already, or one that cannot share it',
  STORE_BUSY: 'another process kept a lock of the store for too long; nothing was written',
  STORE_BEHIND:
    'other processes went on while this one was stopped, further than the change log reaches back; close the store and open it again',
  STORE_MISSING: 'there is no store at the path, and none was to be made',
  STORE_FOREIGN: 'the path holds something that is not a JDBX store',
  STORE_TOO_NEW: 'the store was written by a newer format version',
  STORE_FULL: 'the disk or the configured size limit is full; nothing of the commit was written',
  INDEX_FULL: 'an index found no memory; nothing of the commit was written',
  STORE_READ_ONLY: 'the store cannot be written here',
  STORE_CORRUPT: 'stored bytes that cannot be understood',
  STORE_IO: 'the operating system refused a read or write',
  STORE_CLOSED: 'the store is closed or closing',
  LOG_TRIMMED: 'the change log no longer reaches back to the `seq` asked for',
  NOT_RETAINED:
    'revisions that would tell what was are not kept; `details.oldest` is the commit they reach back to',
  BACKUP_TARGET: 'the place for a backup is not an empty one',
  // the sandbox
  GUEST_SYNTAX:
    "a transformer's code does not parse, or has no entry function; names line and column",
  UNRESOLVED_IMPORT:
    'an import of a document that is missing or lacks the name, or a cycle; names line and column',
  TYPESCRIPT_MISSING: 'code in TypeScript needs the optional package `@swc/wasm-typescript`',
  DOCUMENT_IN_USE: 'other documents import this one or a name of it; names them',
  TESTS_FAILED: 'a document demands that its tests pass, and some fail; names them',
  GUEST_ERROR: "a transformer's code threw",
  GUEST_TIMEOUT: 'guest code ran past its wall time',
  GUEST_MEMORY: 'guest code passed its memory limit',
  GUEST_STACK: 'guest code passed its stack limit',
  GUEST_OUTPUT: 'guest code returned more than its output limit, or a value that is not data',
  GUEST_HOST_CALLS: 'guest code made more host calls than allowed',
  GUEST_CRASHED: 'the worker that ran the guest ended; the call had no effect',
  GUEST_QUEUE_FULL: 'more calls wait for a sandbox worker than its queue holds; try again later',
  PERMISSION_DENIED: 'guest code called a host function that its document does not list',
  // calling models
  INVALID_INTEGRATION: 'an integration document that names no usable provider',
  CREDENTIAL_MISSING: 'a credential document, or the environment variable that it names, is absent',
  MODEL_RATE_LIMITED: 'the provider answered 429 until the attempts were used up',
  MODEL_REFUSED: 'the provider answered with a client error (4xx other than 429)',
  MODEL_UNAVAILABLE: 'the provider answered with a server error (5xx), or could not be reached',
  MODEL_TIMEOUT: 'the provider did not answer in time',
  MODEL_RESPONSE: 'the provider answered with something that is not its API',
  BUDGET_EXCEEDED: 'what is left of a budget cannot pay for the call; names the budget',
  PRICE_MISSING: 'a budget counts dollars, and nobody knows what the model costs',
  POOL_FULL: 'more calls wait for a resource pool than its queue holds; try again later',
  POOL_EXHAUSTED: 'no resource of a pool can take the call',
  PACKAGE_MISSING: 'an optional package that this needs is not installed; says how to',
  MODEL_OUTPUT: 'the answer of a model does not fit the schema that was asked for; names the path',
  TOOL_TURNS: 'a model went on calling tools past the `max_turns` of its stage',
  RECORDING_MISSING: 'no recorded call matches the request',
  // pipelines and runs
  INVALID_PIPELINE: 'a pipeline document that cannot run; names the path',
  MISSING_INPUT: 'a stage names an input that the context does not hold',
  MISSING_VARIABLE: 'a template variable has no value',
  STAGE_TIMEOUT: 'a stage ran past its timeout',
  LOOP_LIMIT: 'a loop did not end within its `max` iterations',
  TOOL_ARGUMENTS: 'the arguments of a tool do not fit its schema; names the path',
  WAIT_MISSING: 'there is no wait for an answer at the stage that was named',
  WAIT_ANSWERED: 'a wait was answered before, or its time is over',
  UNKNOWN_STAGE: 'a run has no checkpoint of the stage that was named',
  COMPENSATION_FAILED:
    'a stage that undoes another one failed; the run ended with that left undone',
  RUN_FAILED: 'a run ended in failure; the cause says at which stage and why',
  RUN_CANCELLED: 'a run was cancelled',
  RUN_PAUSED: 'a run was paused; `resume` goes on with it',
  RUN_ENDED: 'the run has ended, so nothing can be sent to it or changed about it',
  RUN_DEADLINE: 'a run did not end before its deadline',
  RUN_LEASE_LOST:
    'another process has taken the run over, since this one was stopped, or somebody cancelled it there; `ended` waits for its end',
  OUTCOME_UNKNOWN: 'an at-most-once call may or may not have happened before a crash',
  COMPACTION_FAILED:
    'what a session names as its compactor failed; the session stays as it was, the run goes on',
  DEFINITION_CHANGED:
    'a definition has another content than its revision had when the run began; names both',
  REPLAY_DIVERGED:
    'a program asked for another stage than its record holds at the same position; names both and where',
  INVALID_SCHEDULE: 'a schedule document that cannot be followed; names the path',
} as const;

/** A stable code of a `JdbxError`. */
export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorFacts {
  /** Where in the input the trouble is, e.g. `metrics.rate` or `stages.2.when`. */
  readonly path?: string | undefined;
  /** The verb that failed, e.g. `put`. */
  readonly operation?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Plain data that a program can act on, e.g. `{ status: 429, retryAfterMs: 1000 }`. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * An operational failure with a stable `code`. Misuse of the API is a
 * `TypeError` instead, thrown at once.
 *
 * The message always reads `CODE at path: what was expected and what came`.
 */
export class JdbxError extends Error {
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly operation: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, text: string, facts: ErrorFacts = {}) {
    const place = facts.path ? ` at ${facts.path}` : '';
    super(`${code}${place}: ${text}`, facts.cause === undefined ? {} : { cause: facts.cause });
    this.name = 'JdbxError';
    this.code = code;
    this.path = facts.path;
    this.operation = facts.operation;
    this.details = facts.details;
  }

  /** Data for logs and audit documents: no stack, and causes by name and message only. */
  toJSON(): { code: ErrorCode; message: string; path?: string; details?: unknown } {
    return {
      code: this.code,
      message: this.message,
      ...(this.path === undefined ? {} : { path: this.path }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** True when `error` is a `JdbxError`, optionally with one of the given codes. */
export function isJdbxError(error: unknown, ...codes: ErrorCode[]): error is JdbxError {
  return error instanceof JdbxError && (codes.length === 0 || codes.includes(error.code));
}

/** A one-line description of anything thrown, for use inside another message. */
export function describeThrown(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
