/** What `db.events` tells, by event name. Times are milliseconds. */
export interface RunEvents {
  'run-start': [
    event: { readonly run: string; readonly pipeline: string; readonly resumed: boolean },
  ];
  'run-end': [
    event: {
      readonly run: string;
      readonly pipeline: string;
      readonly status: 'completed' | 'failed' | 'cancelled';
      readonly durationMs: number;
      readonly error?: { readonly code: string; readonly message: string };
    },
  ];
  'stage-start': [
    event: { readonly run: string; readonly pipeline: string; readonly path: string },
  ];
  'stage-end': [
    event: {
      readonly run: string;
      readonly pipeline: string;
      readonly path: string;
      readonly status: 'done' | 'skipped' | 'continued' | 'failed';
      readonly durationMs: number;
    },
  ];
}

export type Emit = <E extends keyof RunEvents>(event: E, ...args: RunEvents[E]) => void;
