/** A command line, or text named on it, that cannot be understood. */
export class UsageError extends Error {
  readonly code = 'USAGE';

  constructor(text: string) {
    super(`USAGE: ${text}`);
    this.name = 'UsageError';
  }
}

/** What was asked for is not there: not a failure of anything, but scripts must notice. */
export class NotFound extends Error {
  readonly code = 'NOT_FOUND';

  constructor(text: string) {
    super(`NOT_FOUND: ${text}`);
    this.name = 'NotFound';
  }
}
