import type { RunDocument } from '../pipelines/run-document.js';
import { showCost, showDuration } from './figures.js';
import type { Column } from './table.js';

/** How runs are listed for people. */
export const runColumns: readonly Column<RunDocument>[] = [
  { title: 'run', cell: ({ _id }) => _id },
  { title: 'pipeline', cell: ({ pipeline }) => pipeline },
  { title: 'status', cell: ({ status }) => status },
  { title: 'started', cell: ({ started_at }) => started_at },
  { title: 'duration', cell: (run) => showDuration(durationMs(run)), right: true },
  { title: 'tokens', cell: tokens, right: true },
  { title: 'cost', cell: ({ usage }) => showCost(usage?.cost_usd), right: true },
  { title: 'error', cell: ({ error }) => error?.message ?? '' },
];

function durationMs({ started_at, ended_at }: RunDocument): number | undefined {
  return ended_at === undefined ? undefined : Date.parse(ended_at) - Date.parse(started_at);
}

function tokens({ usage }: RunDocument): string {
  return usage ? String(usage.input_tokens + usage.output_tokens) : '';
}
