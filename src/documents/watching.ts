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
  for await (const commit of followLog(store, since, signal)) {
    // Aliases may change while the watcher waits.
    if (catalog !== store.catalog) [catalog, matcher] = [store.catalog, compiled()];
    yield* toChangeEvents(commit, matcher);
  }
}
