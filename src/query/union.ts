import type { PlannableIndex } from './contract.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { indexCandidates } from './index-candidates.js';
import type { IndexAccess, UnionAccess } from './plan.js';

const BRANCHES_MAX = 100;

/** A top-level `$or` whose every branch has an index can be read as their union. */
export function unionCandidates(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  seq: number,
): readonly UnionAccess[] {
  return nodes.flatMap((node) => {
    if (node.kind !== 'or' || node.nodes.length > BRANCHES_MAX) return [];
    const rest = nodes.filter((other) => other !== node);
    const branches = node.nodes.map((branch) =>
      bestBranch([...conjuncts(branch), ...rest], indexes, seq),
    );
    if (!branches.every((branch) => branch !== undefined)) return [];
    const estimate = branches.reduce((sum, branch) => sum + branch.estimate, 0);
    return [{ kind: 'union', branches, estimate, ordered: false } as const];
  });
}

function bestBranch(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  seq: number,
): IndexAccess | undefined {
  const candidates = indexCandidates(nodes, indexes, undefined, seq);
  return candidates.toSorted((left, right) => left.estimate - right.estimate)[0];
}
