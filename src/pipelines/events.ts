import type { ModelEvent } from '../llm/contract.js';

/** What `db.events` tells, by event name. Times are milliseconds. */
export interface RunEvents {
  /** A run that begins with a stage which nobody can see may be stored a little later. */
  'run-start': [
    event: { readonly run: string; readonly pipeline: string; readonly resumed: boolean },
  ];
  'run-end': [
    event: {
      readonly run: string;
      readonly pipeline: string;
      readonly status: 'completed' | 'failed' | 'cancelled' | 'waiting' | 'paused';
      readonly durationMs: number;
      readonly error?: { readonly code: string; readonly message: string };
    },
  ];
  /** A piece of a model's answer, of stages that say `stream`. */
  'model-event': [
    event: {
      readonly run: string;
      readonly pipeline: string;
      readonly path: string;
      readonly integration: string;
      /** A higher number, or another integration, makes the pieces before it void. */
      readonly attempt: number;
      readonly event: ModelEvent;
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
      /**
       * `stopped`: told to end before it had, by a cancellation, a timeout or a failed neighbour.
       * `waiting`: it begins again when what it waits for has come.
       */
      readonly status: 'done' | 'skipped' | 'continued' | 'failed' | 'stopped' | 'waiting';
      readonly durationMs: number;
    },
  ];
}

export type Emit = <E extends keyof RunEvents>(event: E, ...args: RunEvents[E]) => void;

/** A listener that throws is warned about; the run that it listens to goes on. */
export function heedless(emit: Emit): Emit {
  return (event, ...args) => {
    try {
      emit(event, ...args);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  };
}
