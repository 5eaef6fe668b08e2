export function killStore(options: {
  readonly directory: string;
  readonly rounds: number;
  readonly seed: number;
}): Promise<{
  readonly kills: number;
  readonly acknowledged: number;
  readonly problems: readonly string[];
}>;
