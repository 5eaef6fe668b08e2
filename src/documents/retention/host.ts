import type { Draft } from '../draft.js';
import type { Store } from '../store.js';
import type { Writer } from '../writer.js';
import type { RetentionHost } from './contract.js';
import type { RetentionPolicy } from './definition.js';
import { readExpiry } from './ttl.js';

/** What runs under way are pinned to, by the floor above. */
export type Pinned = () => ReadonlyMap<string, number>;

/** The database, as retention sees it. */
export function retentionHost(store: Store, writer: Writer, pinned: Pinned): RetentionHost {
  return {
    view: () => store.view(),
    submit: <T>(plan: (draft: Draft) => T) => writer.submit(plan),
    now: () => store.clock.now(),
    pinned,
    get seq() {
      return store.publishedSeq;
    },
    get policies() {
      return [...store.catalog.retentions, ...expiringIndexes(store)];
    },
    get marks() {
      return store.marks;
    },
    get logStart() {
      return store.logStart;
    },
    get auditHead() {
      return store.auditHead;
    },
    get isBusy() {
      return writer.isBusy;
    },
  };
}

function expiringIndexes(store: Store): RetentionPolicy[] {
  const view = store.view();
  try {
    return [...view.documentsOf('index')].flatMap(({ document }) => readExpiry(document) ?? []);
  } finally {
    view.close();
  }
}
