export function runProcesses(options: {
  directory: string;
  seconds: number;
  processes?: number;
  seed: number;
  onEvent?: (event: string) => void;
}): Promise<{ kills: number; stops: number; commits: number; problems: string[] }>;
