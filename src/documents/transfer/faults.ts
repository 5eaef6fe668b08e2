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

/** The same error with its place; anything that is not ours goes on as it is. */
export function placed(error: unknown, { line, imported }: ImportPlace): unknown {
  if (!isJdbxError(error)) return error;
  const { code, path, operation = 'import' } = error;
  const known = error.details?.line !== undefined;
  const details = {
    ...error.details,
    ...(line === undefined || known ? {} : { line }),
    ...(imported === undefined ? {} : { imported }),
  };
  const whole = new JdbxError(code, '', { path, operation, cause: error.cause ?? error, details });
  whole.message = line === undefined || known ? error.message : `${error.message} (line ${line})`;
  return whole;
}
