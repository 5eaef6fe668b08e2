import { CIRCUIT_DEFAULTS, type CircuitRule } from './pool-document.js';

/** Whether calls are let through to a resource. */
export interface Circuit {
  readonly state: 'closed' | 'open' | 'probing';
  /** Failures since the last success. */
  readonly failures: number;
  /** While open or probing: when the next call may try, in milliseconds since the epoch. */
  readonly until: number;
}

export const CLOSED: Circuit = { state: 'closed', failures: 0, until: 0 };

/** How long until a call may go through, in milliseconds; 0 now. */
export function waitFor(circuit: Circuit, now: number): number {
  return circuit.state === 'closed' ? 0 : Math.max(0, circuit.until - now);
}

/** A call goes through; while the circuit is not closed it is the one that tries. */
export function entered(circuit: Circuit, now: number, rule: CircuitRule = {}): Circuit {
  if (circuit.state === 'closed') return circuit;
  const { open_ms } = { ...CIRCUIT_DEFAULTS, ...rule };
  return { ...circuit, state: 'probing', until: now + open_ms };
}

/** What an ended call says of the resource. */
export function ended(
  circuit: Circuit,
  isFailure: boolean,
  now: number,
  rule: CircuitRule = {},
): Circuit {
  if (!isFailure) return CLOSED;
  const { failures: most, open_ms } = { ...CIRCUIT_DEFAULTS, ...rule };
  const failures = circuit.failures + 1;
  const opens = circuit.state !== 'closed' || failures >= most;
  return opens ? { state: 'open', failures, until: now + open_ms } : { ...circuit, failures };
}
