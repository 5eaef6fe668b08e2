import type { Document } from '../base/document.js';
import type { SessionUsage } from '../sessions/sessions.js';
import type { Pins } from './definitions.js';

export type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled';

/** One execution of a pipeline. */
export interface RunDocument extends Document {
  readonly _type: 'run';
  readonly pipeline: string;
  readonly status: RunStatus;
  /** The process that executes it; a commit of any other is refused. */
  readonly owner: string;
  /** The revisions of every definition that the run is pinned to. */
  readonly definitions: Pins;
  readonly started_at: string;
  readonly ended_at?: string;
  readonly session?: string;
  /** The run that this one is a part of. */
  readonly parent?: string;
  readonly usage?: SessionUsage & { readonly [name: string]: number };
  readonly error?: { readonly code: string; readonly message: string; readonly stage?: string };
}

/** What one stage left: the state from which a run resumes. */
export interface CheckpointDocument extends Document {
  readonly _type: 'checkpoint';
  readonly run: string;
  readonly path: string;
  readonly status: 'done' | 'skipped' | 'continued';
  readonly usage?: SessionUsage & { readonly [name: string]: number };
}

export function checkpointId(run: string, path: string): string {
  return `checkpoint:${run}:${path}`;
}

export interface RunResult {
  readonly id: string;
  readonly pipeline: string;
  readonly status: 'completed';
  readonly output: unknown;
  /** Tokens as providers reported them, US dollars by the integrations' prices, calls made. */
  readonly usage: SessionUsage;
  readonly durationMs: number;
}
