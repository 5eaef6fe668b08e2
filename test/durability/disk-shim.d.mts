export function compileShim(directory: string): {
  readonly library?: string;
  readonly skipped?: string;
};
