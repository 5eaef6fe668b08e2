import type { Access, IndexAccess } from './access.js';
import type { QuerySource } from './contract.js';
import { countKeys } from './count-keys.js';
import { run } from './execute.js';
import { describeBounds } from './key-ranges.js';
import type { Plan } from './plan.js';
import { newStats, type RunStats } from './stats.js';

export type PlanKind = Access['kind'] | 'none';

/** How a query was answered, as a plain document. */
export interface Explanation {
  readonly plan: PlanKind;
  readonly indexes: readonly ExplainedIndex[];
  /** What was chosen among, each with the keys that it would read; empty where there was no choice. */
  readonly candidates: readonly ExplainedCandidate[];
  /** True when index keys answered, and a document was read only where its key could not tell. */
  readonly covered: boolean;
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

export interface ExplainedCandidate {
  readonly plan: PlanKind;
  readonly indexes: readonly Pick<ExplainedIndex, 'name' | 'bounds'>[];
  readonly keys: number;
  readonly ordered: boolean;
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
    candidates: plan.considered.map((access) => explainCandidate(access, source.seq)),
    covered: plan.covering !== undefined,
    keysExamined: [...stats.keysExamined.values()].reduce((sum, keys) => sum + keys, 0),
    documentsExamined: stats.documentsExamined,
    returned: stats.returned,
    sortInMemory: stats.sortedInMemory,
    timeMs,
  };
}

/** Several types answered in different ways are a union too. */
function planKind(accesses: readonly Access[]): PlanKind {
  const kinds = new Set(accesses.map((access) => access.kind));
  if (kinds.size > 1) return 'union';
  return [...kinds][0] ?? 'none';
}

function indexAccesses(access: Access): readonly IndexAccess[] {
  if (access.kind === 'union') return access.branches;
  if (access.kind === 'intersection') return [access.stream, access.filter];
  return access.kind === 'index' ? [access] : [];
}

function explainIndex(access: IndexAccess, { keysExamined }: RunStats): ExplainedIndex {
  return {
    ...nameIndex(access),
    direction: access.reverse ? 'reverse' : 'forward',
    keysExamined: keysExamined.get(access.bounds) ?? 0,
  };
}

function explainCandidate(access: Access, seq: number): ExplainedCandidate {
  return {
    plan: access.kind,
    indexes: indexAccesses(access).map(nameIndex),
    keys: countKeys(access, seq),
    ordered: access.ordered,
  };
}

function nameIndex({ index: { definition }, bounds }: IndexAccess) {
  return { name: definition.name, bounds: describeBounds(definition.fields, bounds) };
}
