import type { Draft } from '../draft.js';
import type { Store } from '../store.js';
import type { Writer } from '../writer.js';
import type { RetentionHost } from './contract.js';
import { expiryOf } from './ttl.js';

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
      const expiring = [...store.indexes.all()].flatMap(({ definition, since }) => {
        // One that its commit has only just entered may never come to be.
        return since <= store.publishedSeq ? (expiryOf(definition) ?? []) : [];
      });
      return [...store.catalog.retentions, ...expiring];
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
