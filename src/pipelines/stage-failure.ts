/** Says at which stage a run failed. The innermost stage is named; outer ones pass it on. */
export class StageFailure extends Error {
  readonly path: string;
  /** True when what finished stages did is to be undone before the run fails. */
  readonly compensate: boolean;

  constructor(path: string, cause: unknown, compensate = false) {
    const inner = cause instanceof StageFailure ? cause : undefined;
    super(`stage ${inner?.path ?? path} failed`, { cause: inner ? inner.cause : cause });
    this.path = inner?.path ?? path;
    this.compensate = compensate || (inner?.compensate ?? false);
  }
}

/** What a stage threw, without the wrapping that says where. */
export function rootCause(error: unknown): unknown {
  return error instanceof StageFailure ? error.cause : error;
}
