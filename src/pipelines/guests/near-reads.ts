import type { ThreadOrder, Workspace } from '../../documents/workspace.js';
import type { NearRequest, NearSource } from '../../sandbox/near.js';
import type { Permissions, Verb } from '../../sandbox/permissions.js';

/** The verbs that a guest's own thread can answer. */
export const NEAR_VERBS = ['db.get', 'db.getMany', 'db.query', 'db.aggregate'] as const;

/** What one call tells its near functions, see `near-database.ts`. */
export interface NearReads extends ThreadOrder {
  readonly permissions: readonly string[];
}

/**
 * Lets a guest read in its own thread what its workspace shows: the same commit, with what
 * was written in the workspace so far. Undefined when it has no right to read.
 */
export function nearReads(
  workspace: () => Workspace,
  permissions: Permissions,
): NearRequest | undefined {
  if (!NEAR_VERBS.some((verb: Verb) => permissions.allows(verb))) return undefined;
  const list = permissions.toList();
  let told = 0;
  return {
    order: () => {
      const order = workspace().forThread();
      if (!order) return undefined;
      const { shared, own } = order;
      told = own.written;
      return { shared, own: { ...own, permissions: list } satisfies NearReads };
    },
    ask: (page) => workspace().idsOn(page as number),
    news: () => {
      const { writes, written } = workspace().writesAfter(told);
      told = written;
      return writes.length === 0 ? undefined : writes;
    },
  };
}

/** How the sandbox's workers come to read a store in this directory. */
export function nearSource(directory: string): NearSource {
  const module = new URL('./near-database.js', import.meta.url).href;
  return { module, data: { directory }, names: NEAR_VERBS };
}
