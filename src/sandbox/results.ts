import { type ErrorCode, JdbxError } from '../base/errors.js';
import type { GuestResult } from './contract.js';
import type { GuestFailure } from './guest/failures.js';
import { placeIn, stackIn } from './guest-stack.js';
import type { Job } from './job.js';
import type { CallReport } from './messages.js';
import { decodeValue } from './values-crossing.js';

/**
 * Settles a job by a worker's report. The report is what a guest's realm made
 * possible, so its value is measured, decoded and checked here.
 */
export function settleByReport(job: Job, report: CallReport): void {
  try {
    job.resolve(resultOf(job, report));
  } catch (error) {
    job.reject(error);
  }
}

function resultOf(job: Job, report: CallReport): GuestResult {
  const { outcome, console, hostCalls, durationMs, near } = report;
  if (outcome.kind === 'stopped') throw failure(job, report, outcome.code, outcome.text, {});
  if (outcome.kind === 'thrown') throw thrown(job, report, outcome.failure);
  const { outputBytes } = job.call.limits;
  if (isLonger(outcome.text, outputBytes)) {
    const text = `expected at most ${outputBytes} bytes of output, got more`;
    throw failure(job, report, 'GUEST_OUTPUT', text, {});
  }
  const value = decodeValue(outcome.text);
  return near
    ? { value, console, hostCalls, durationMs, near }
    : { value, console, hostCalls, durationMs };
}

/** Whether a text takes more bytes: at most three a unit, so that most need not be counted. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax;
}

/** The host's own error when the guest let one pass through; else what the guest threw. */
function thrown(job: Job, report: CallReport, guest: GuestFailure): unknown {
  const original = guest.host === undefined ? undefined : job.hostErrors[guest.host];
  if (original instanceof JdbxError) return original;
  const { name, imports = {} } = job.call;
  const modules = [name, ...Object.keys(imports)];
  const { refused, stack = '' } = guest;
  const told = guest.name === undefined ? guest.message : `${guest.name}: ${guest.message}`;
  const text = withHint(told);
  return failure(job, report, codeOf(guest), refused?.text ?? text, {
    path: refused?.path,
    cause: original ?? causeOf(job, guest),
    ...placeIn(stack, modules),
    ...stackIn(stack, modules),
    ...(guest.code === undefined || refused ? {} : { guestCode: guest.code }),
  });
}

function causeOf({ hostErrors }: Job, { hostCause }: GuestFailure): unknown {
  return hostCause === undefined ? undefined : hostErrors[hostCause];
}

/** What people look for that guests do not have, and what to do instead. */
const ABSENT: readonly (readonly [names: RegExp, hint: string])[] = [
  [
    /setTimeout|setInterval|setImmediate/,
    'guests have no timers; a stage may `retry` with a delay',
  ],
  [/fetch|XMLHttpRequest|WebSocket/, 'guests have no network; hand in what they need'],
  [/require|process|Buffer|__dirname|module/, 'guests are not Node programs; import documents'],
  [/Intl/, 'guests have no locales, so that every replay is alike'],
];

function withHint(text: string): string {
  const [, name] = /^ReferenceError: '?(\w+)'? is not defined$/.exec(text) ?? [];
  const hint = ABSENT.find(([names]) => name && new RegExp(`^(?:${names.source})$`).test(name));
  return hint ? `${text}: ${hint[1]}` : text;
}

function codeOf(guest: GuestFailure): ErrorCode {
  if (guest.refused) return 'GUEST_OUTPUT';
  if (guest.name === 'InternalError') {
    if (/out of memory|string too long/.test(guest.message)) return 'GUEST_MEMORY';
    if (/stack overflow/.test(guest.message)) return 'GUEST_STACK';
  }
  // A syntax error that only the engine found has no function in its stack.
  const isUnparsed = guest.name === 'SyntaxError' && !/\(/.test(guest.stack ?? '(');
  return isUnparsed ? 'GUEST_SYNTAX' : 'GUEST_ERROR';
}

/** Facts go where errors keep them; all else, and what the guest printed, into `details`. */
function failure(
  job: Job,
  { console }: CallReport,
  code: ErrorCode,
  text: string,
  { path, cause, ...details }: Record<string, unknown>,
): JdbxError {
  return new JdbxError(code, text, {
    path: path as string | undefined,
    cause,
    details: {
      name: job.call.name,
      ...details,
      ...(console.length === 0 ? {} : { console }),
    },
  });
}
