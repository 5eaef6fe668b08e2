/** What running a plan took, gathered while it runs. */
export interface RunStats {
  documentsExamined: number;
  returned: number;
  sortedInMemory: boolean;
  /** Keys read from each access, in the order of `readings`. */
  readonly keysExamined: Map<object, number>;
}

export function newStats(): RunStats {
  return { documentsExamined: 0, returned: 0, sortedInMemory: false, keysExamined: new Map() };
}
