export function losePower(options: {
  readonly directory: string;
  readonly rounds: number;
  readonly seed: number;
}): Promise<{
  readonly skipped?: string;
  readonly acknowledged?: number;
  readonly problems?: readonly string[];
}>;
