import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { GUEST_LIMITS, type GuestLimits } from './contract.js';

/** How a document writes each limit, and how many of the limit's unit one is. */
const DOCUMENT_LIMITS = {
  timeout_ms: { limit: 'timeoutMs', unit: 1 },
  memory_mb: { limit: 'memoryBytes', unit: 2 ** 20 },
  stack_kb: { limit: 'stackBytes', unit: 2 ** 10 },
  output_kb: { limit: 'outputBytes', unit: 2 ** 10 },
  host_calls: { limit: 'hostCalls', unit: 1 },
} as const satisfies Record<string, { limit: keyof GuestLimits; unit: number }>;

/**
 * A document's `limits` over the defaults, each cut down to its ceiling.
 *
 * @throws {JdbxError} INVALID_DOCUMENT with the path `limits.NAME`
 */
export function resolveLimits(documentLimits?: unknown, path = 'limits'): GuestLimits {
  if (documentLimits === undefined || documentLimits === null) return GUEST_LIMITS.defaults;
  if (!isPlainObject(documentLimits)) {
    throw invalid(path, 'an object of limits', describeType(documentLimits));
  }
  const limits = { ...GUEST_LIMITS.defaults };
  for (const [name, value] of Object.entries(documentLimits)) {
    const { limit, unit } = knownLimit(name, `${path}.${name}`);
    const size = checkSize(value, name, `${path}.${name}`) * unit;
    limits[limit] = Math.min(Math.ceil(size), GUEST_LIMITS.ceilings[limit]);
  }
  return limits;
}

function knownLimit(name: string, path: string): { limit: keyof GuestLimits; unit: number } {
  if (Object.hasOwn(DOCUMENT_LIMITS, name)) {
    return DOCUMENT_LIMITS[name as keyof typeof DOCUMENT_LIMITS];
  }
  throw invalid(path, `one of ${Object.keys(DOCUMENT_LIMITS).join(', ')}`, `"${name}"`);
}

/** No host calls at all is a sensible limit; no time or memory is not. */
function checkSize(value: unknown, name: string, path: string): number {
  const isNumber = typeof value === 'number' && Number.isFinite(value);
  if (isNumber && (value > 0 || (value === 0 && name === 'host_calls'))) return value;
  throw invalid(
    path,
    'a positive number',
    typeof value === 'number' ? String(value) : describeType(value),
  );
}

function invalid(path: string, expected: string, got: string): JdbxError {
  return new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${got}`, { path });
}
