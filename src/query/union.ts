import type { IndexAccess, UnionAccess } from './access.js';
import type { PlannableIndex } from './contract.js';
import { countKeys } from './count-keys.js';
import { conjuncts, type FilterNode } from './filter-node.js';
import { indexCandidates } from './index-candidates.js';

const BRANCHES_MAX = 100;

/** A top-level `$or` whose every branch has an index can be read as their union. */
export function unionCandidates(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  seq: number,
): readonly UnionAccess[] {
  const found: UnionAccess[] = [];
  for (const node of nodes) {
    if (node.kind !== 'or' || node.nodes.length > BRANCHES_MAX) continue;
    const rest = nodes.filter((other) => other !== node);
    const branches = node.nodes.map((branch) =>
      bestBranch([...conjuncts(branch), ...rest], indexes, seq),
    );
    if (!branches.every((branch) => branch !== undefined)) continue;
    // A document may come by any branch, so all conditions are tested again.
    found.push({ kind: 'union', branches, residue: nodes, ordered: false });
  }
  return found;
}

function bestBranch(
  nodes: readonly FilterNode[],
  indexes: readonly PlannableIndex[],
  seq: number,
): IndexAccess | undefined {
  const [first, ...others] = indexCandidates(nodes, indexes, undefined);
  if (!first || others.length === 0) return first;
  let best = first;
  let fewest = countKeys(first, seq);
  for (const next of others) {
    const keys = countKeys(next, seq, fewest);
    if (keys < fewest) [best, fewest] = [next, keys];
  }
  return best;
}
