import { isJdbxError, JdbxError } from '../../base/errors.js';

/** Text that is not what its format says, at a line of the text. */
export function malformed(line: number, text: string, cause?: unknown): JdbxError {
  return new JdbxError('INVALID_IMPORT', text, {
    path: `line ${line}`,
    operation: 'import',
    details: { line },
    cause,
  });
}

/** What an error of an import says beside its own facts. */
export interface ImportPlace {
  /** Where the document begins in the text. */
  readonly line?: number | undefined;
  /** Documents that earlier commits of this import wrote, and that stay. */
  readonly imported?: number | undefined;
}

/**
 * The same error with its place; anything that is not ours goes on as it is. The `line` of an
 * import's error is that of the text, also for an error that had a line of its own, as one in a
 * transformer's code does: its message still says that one.
 */
export function placed(error: unknown, { line, imported }: ImportPlace): unknown {
  if (!isJdbxError(error)) return error;
  const { code, path, cause = error } = error;
  const isPlaced = error.operation === 'import' && error.details?.line !== undefined;
  const place = isPlaced || line === undefined ? {} : { line };
  const count = imported === undefined ? {} : { imported };
  const details = { ...error.details, ...place, ...count };
  const whole = new JdbxError(code, '', { path, operation: 'import', cause, details });
  whole.message = 'line' in place ? `${error.message} (line ${line} of the text)` : error.message;
  return whole;
}
