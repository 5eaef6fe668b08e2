import { CommanderError } from 'commander';
import { type ErrorCode, isJdbxError } from '../base/errors.js';
import { Interrupted } from './interrupt.js';
import { UsageError } from './usage-error.js';

/** What the process ends with. Scripts rely on these; the help lists them. */
export const EXIT = {
  ok: 0,
  /** A run or a test failed, a check found faults, or what was asked for is not there. */
  failed: 1,
  /** A command, option, filter or document that cannot be understood. */
  usage: 2,
  /** The store cannot be opened, or not be written. */
  store: 3,
  interrupted: 130,
} as const;

export const EXIT_HELP = `Exit codes:
  0    it worked
  1    a run or a test failed, a check found faults, or what was asked for is not there
  2    bad usage or bad input
  3    the store cannot be opened or written
  130  interrupted (SIGINT); 143 when by SIGTERM`;

/** The exit code for anything that a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError || error instanceof TypeError) return EXIT.usage;
  if (!isJdbxError(error)) return EXIT.failed;
  if (error.code.startsWith('STORE_')) return EXIT.store;
  return BAD_INPUT.has(error.code) || error.code.startsWith('INVALID_') ? EXIT.usage : EXIT.failed;
}

const BAD_INPUT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BACKUP_TARGET',
  'DOCUMENT_TOO_LARGE',
  'DUPLICATE_ID',
  'DUPLICATE_KEY',
  'GUEST_SYNTAX',
  'UNRESOLVED_IMPORT',
  'DOCUMENT_IN_USE',
  'PROTECTED_TYPE',
  'SCHEMA_VIOLATION',
  'TRANSACTION_TOO_LARGE',
]);
