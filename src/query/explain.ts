import type { QuerySource } from './contract.js';
import { run } from './execute.js';
import type { Access, IndexAccess, Plan } from './plan.js';
import { newStats, type RunStats } from './stats.js';

/** How a query was answered, as a plain document. */
export interface Explanation {
  readonly plan: 'index' | 'type-scan' | 'full-scan' | 'ids' | 'union' | 'none';
  readonly indexes: readonly ExplainedIndex[];
  readonly keysExamined: number;
  readonly documentsExamined: number;
  readonly returned: number;
  readonly sortInMemory: boolean;
  /** Wall time of the run in milliseconds. */
  readonly timeMs: number;
}

export interface ExplainedIndex {
  readonly name: string;
  readonly bounds: readonly string[];
  readonly direction: 'forward' | 'reverse';
  readonly keysExamined: number;
}

/** Runs the plan to its end and reports what that took. */
export function explain(plan: Plan, source: QuerySource): Explanation {
  const stats = newStats();
  const start = performance.now();
  for (const _document of run(plan, source, stats));
  const timeMs = performance.now() - start;
  return {
    plan: planKind(plan.accesses),
    indexes: plan.accesses.flatMap(indexAccesses).map((access) => explainIndex(access, stats)),
    keysExamined: [...stats.keysExamined.values()].reduce((sum, keys) => sum + keys, 0),
    documentsExamined: stats.documentsExamined,
    returned: stats.returned,
    sortInMemory: stats.sortedInMemory,
    timeMs,
  };
}

/** Several types answered in different ways are a union too. */
function planKind(accesses: readonly Access[]): Explanation['plan'] {
  const kinds = new Set(accesses.map((access) => access.kind));
  if (kinds.size > 1) return 'union';
  return [...kinds][0] ?? 'none';
}

function indexAccesses(access: Access): readonly IndexAccess[] {
  if (access.kind === 'union') return access.branches;
  return access.kind === 'index' ? [access] : [];
}

function explainIndex(access: IndexAccess, stats: RunStats): ExplainedIndex {
  return {
    name: access.index.definition.name,
    bounds: access.bounds,
    direction: access.reverse ? 'reverse' : 'forward',
    keysExamined: stats.keysExamined.get(access) ?? 0,
  };
}
