import type { Access } from './access.js';
import type { QuerySource } from './contract.js';
import type { Plan } from './plan.js';

/** How many documents match, by their keys alone; undefined where documents must be read to tell. */
export function countByKeys(plan: Plan, source: QuerySource): number | undefined {
  if (!source.keysSuffice || plan.repeats) return undefined;
  const counts = plan.accesses.map((access) => countAccess(access, source));
  if (!counts.every((count) => count !== undefined)) return undefined;
  return counts.reduce((sum, count) => sum + count, 0);
}

function countAccess(access: Access, { typeIndex, seq }: QuerySource): number | undefined {
  if (access.residue.length > 0) return undefined;
  if (access.kind === 'ids' || access.kind === 'union' || access.kind === 'intersection') {
    return undefined;
  }
  const index = access.kind === 'index' ? access.index.index : typeIndex;
  return access.ranges.reduce((sum, range) => sum + index.count(range, seq), 0);
}
