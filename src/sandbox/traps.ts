import { type Instance, MemoryUsedUp } from './instance.js';
import type { GuestOutcome } from './messages.js';

export const MEMORY_USED_UP: GuestOutcome = {
  kind: 'stopped',
  code: 'GUEST_MEMORY',
  text: 'the guest used up its memory',
};

/**
 * What a WebAssembly trap, or an overflow of the thread's own stack, means for
 * the guest. The instance it happened in must not be used again.
 */
export function outcomeOfTrap(trap: unknown, instance: Instance): GuestOutcome {
  if (trap instanceof RangeError && /call stack/i.test(trap.message)) {
    return { kind: 'stopped', code: 'GUEST_STACK', text: 'the guest went too deep' };
  }
  if (trap instanceof MemoryUsedUp || instance.isNearlyFull) return MEMORY_USED_UP;
  const reason = trap instanceof WebAssembly.RuntimeError ? trap.message : 'an engine failure';
  return { kind: 'stopped', code: 'GUEST_CRASHED', text: `the guest's engine ended: ${reason}` };
}
