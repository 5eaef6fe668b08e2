/**
 * What a thread goes through into each call of LMDB's binding and out again, so that nobody ends
 * the thread inside: the binding cannot tell its caller that the thread is being ended, and ends
 * the process instead. May be entered again by who is inside.
 */
export interface CallGate {
  /** Never comes back in a thread that is about to be ended. */
  enter(): void;
  /** The same. */
  leave(): void;
}

export function within<Result>(gate: CallGate | undefined, call: () => Result): Result {
  gate?.enter();
  try {
    return call();
  } finally {
    gate?.leave();
  }
}
