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
  const compile = () =>
    compileFilter(expandTypes(filter, (type) => store.catalog.typesOf(type)).filter);
  let { catalog } = store;
  let matches = compile();
  for await (const commit of followLog(store, since, signal)) {
    // Aliases may change while the watcher waits.
    if (catalog !== store.catalog) {
      catalog = store.catalog;
      matches = compile();
    }
    for (const event of toChangeEvents(commit, matches)) yield event;
  }
}
