import { isPlainObject } from '../base/values.js';
import type { AuditDocument } from '../history/audit-chain.js';
import { showCost, showDuration } from './figures.js';
import type { Column } from './table.js';

/** How a run's audit documents are shown for people: a timeline from `startedAtMs` on. */
export function auditColumns(run: string, startedAtMs: number): readonly Column<AuditDocument>[] {
  return [
    { title: 'after', cell: ({ at }) => showDuration(Date.parse(at) - startedAtMs), right: true },
    { title: 'kind', cell: ({ kind }) => kind },
    { title: 'path', cell: (entry) => placeOf(entry, run) },
    { title: 'status', cell: statusOf },
    { title: 'took', cell: (entry) => showDuration(tookMs(entry)), right: true },
    { title: 'model', cell: ({ model }) => text(model) },
    { title: 'tokens', cell: tokensOf, right: true },
    { title: 'cost', cell: (entry) => showCost(costOf(entry)), right: true },
    { title: 'note', cell: noteOf },
  ];
}

/** The stage, under the child runs that lead to it. */
function placeOf(entry: AuditDocument, run: string): string {
  const child = text(entry.run).slice(run.length + 1);
  return [child, text(entry.path)].filter((part) => part !== '').join('/');
}

function statusOf({ status, error, kind }: AuditDocument): string {
  if (typeof status === 'string') return status;
  if (kind !== 'llm-call') return '';
  return error === undefined ? 'done' : 'failed';
}

function tookMs({ duration_ms, latency_ms }: AuditDocument): number | undefined {
  const ms = duration_ms ?? latency_ms;
  return typeof ms === 'number' ? ms : undefined;
}

function tokensOf({ usage }: AuditDocument): string {
  if (!isPlainObject(usage)) return '';
  const { input_tokens, output_tokens } = usage;
  if (input_tokens === undefined && output_tokens === undefined) return '';
  return `${Number(input_tokens ?? 0)} + ${Number(output_tokens ?? 0)}`;
}

function costOf({ cost_usd, usage }: AuditDocument): number | undefined {
  const cost = cost_usd ?? (isPlainObject(usage) ? usage.cost_usd : undefined);
  return typeof cost === 'number' ? cost : undefined;
}

/** An error, what was refused, or which attempt it was when not the first. */
function noteOf({ error, kind, document, permission, attempt }: AuditDocument): string {
  if (isPlainObject(error)) return text(error.message);
  if (kind === 'refusal') return `${text(document)} may not ${text(permission)}`;
  return typeof attempt === 'number' && attempt > 1 ? `attempt ${attempt}` : '';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
