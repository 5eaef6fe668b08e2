export const FILES: readonly string[];
export function casesFolder(): string | undefined;
export function knownDifferences(): ReadonlyMap<string, string>;

export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly total: number;
  readonly failed: readonly string[];
  readonly known: readonly string[];
  /** Passed and all, of the cases that have an answer and of those that must be refused. */
  readonly answers: readonly [number, number];
  readonly refusals: readonly [number, number];
}

export function runFile(
  folder: string,
  file: string,
  options?: { index?: boolean; only?: string; timeoutMs?: number },
): Promise<FileResult>;
export function rate(result: FileResult): number;
