export function shimIn(directory: string): {
  readonly library?: string;
  readonly skipped?: string;
};
