import { followLog } from '../history/change-feed.js';
import { compileFilter } from '../query/filter.js';
import { expandTypes } from '../query/types.js';
import { toChangeEvents } from './change-events.js';
import type { ChangeEvent, Filter } from './contract.js';
import type { Store } from './store.js';

/** The changes after commit `since` that a filter lets through, as they are committed. */
export async function* watchChanges(
  store: Store,
  filter: Filter,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<ChangeEvent, void> {
  const compiled = () =>
    compileFilter(expandTypes(filter, (type) => store.catalog.typesOf(type)).filter);
  let [catalog, matcher] = [store.catalog, compiled()];
  for await (const commits of followLog(store, since, signal)) {
    for (const commit of commits) {
      // Aliases may change while the watcher waits.
      if (catalog !== store.catalog) [catalog, matcher] = [store.catalog, compiled()];
      // Not delegated to a generator: most commits hold nothing for most watchers.
      for (const event of toChangeEvents(commit, matcher)) yield event;
      if (signal.aborted) return;
    }
  }
}
