import { CommanderError } from 'commander';
import { describeThrown, JdbxError } from '../base/errors.js';

/**
 * Says on the error stream why a command ended: `CODE: message`, or one line of JSON.
 * A stack is printed only when JDBX_DEBUG is set to 1.
 */
export function reportError(error: unknown, json: boolean): void {
  // Help was printed, or the version.
  if (error instanceof CommanderError && !error.message.startsWith('error: ')) return;
  const text = json ? JSON.stringify(toFacts(error)) : toText(error);
  process.stderr.write(`${text}\n`);
  if (process.env.JDBX_DEBUG === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
}

function toText(error: unknown): string {
  const { code, message } = toFacts(error);
  return message.startsWith(code) ? message : `${code}: ${message}`;
}

interface Facts {
  readonly code: string;
  readonly message: string;
}

function toFacts(error: unknown): Facts {
  if (error instanceof JdbxError) return error.toJSON();
  const message = describeThrown(error);
  if (error instanceof CommanderError) return { code: 'USAGE', message: message.slice(7) };
  // Misuse of the library by what was typed.
  if (error instanceof TypeError) return { code: 'USAGE', message };
  return { code: codeOf(error, message), message };
}

/** Errors of this program begin their message with their code; those of others have none. */
function codeOf(error: unknown, message: string): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && message.startsWith(code) ? code : 'UNKNOWN';
}
