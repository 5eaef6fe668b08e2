/** What running a plan took, gathered while it runs. */
export interface RunStats {
  documentsExamined: number;
  returned: number;
  sortedInMemory: boolean;
  /** Keys read from each access, by its bounds, or itself when it has none. */
  readonly keysExamined: Map<object, number>;
}

export function newStats(): RunStats {
  return { documentsExamined: 0, returned: 0, sortedInMemory: false, keysExamined: new Map() };
}

export function noteKeys(stats: RunStats | undefined, of: object, keys: number): void {
  if (!stats) return;
  const { keysExamined } = stats;
  keysExamined.set(of, (keysExamined.get(of) ?? 0) + keys);
}
