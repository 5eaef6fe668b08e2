import type { Document } from '../base/document.js';
import type { Commit, PutChange, RemoveChange, StoredDocument } from '../storage/contract.js';
import { Catalog } from './catalog.js';
import type { IndexSet } from './index-set.js';
import { type IndexedChange, IndexStaging } from './index-staging.js';
import type { Refs } from './refs.js';

type Change = PutChange | RemoveChange;

/** The published state that commits of other processes are entered into. */
export interface Absorbing {
  readonly indexes: IndexSet;
  readonly refs: Refs;
  readonly catalog: Catalog;
  /** A document as it was published before. */
  stored(id: string): StoredDocument | undefined;
}

/** What other processes' commits come to. */
export interface Absorbed {
  /** Documents as the last commit leaves them; undefined where it removed them. */
  readonly changed: ReadonlyMap<string, Document | undefined>;
  readonly catalog: Catalog;
  /** Index documents that were put: their indexes are to be made. */
  readonly indexDocuments: readonly Document[];
}

/**
 * Enters what other processes committed into the indexes, commit by commit, each under its
 * own `seq`. An index that was replaced or removed goes in its turn; one that is new is left
 * to the caller, who fills it as of the last commit, since no reader has seen one between.
 */
export function absorbCommits(commits: readonly Commit[], store: Absorbing): Absorbed {
  const changed = new Map<string, Document | undefined>();
  const definitions: (readonly [string, Document | undefined])[] = [];
  for (const { seq, changes } of commits) {
    // What is forgotten of a document's past is in no index.
    const each = changes
      .filter((change) => change.kind !== 'forget')
      .map((change) => ({ change, before: beforeOf(change, changed, store) }));
    enter(
      store.indexes,
      each.map(({ change, before }) => ({ ref: change.ref, before, after: afterOf(change) })),
      seq,
    );
    for (const { change, before } of each) {
      const { id } = change;
      const after = afterOf(change);
      if (after) store.refs.set(change.ref, id);
      else store.refs.remove(change.ref, seq);
      if (before?._type === 'index') store.indexes.retire(id, seq, seq + 1);
      if (isDefinition(before) || isDefinition(after)) definitions.push([id, after]);
      changed.set(id, after);
    }
  }
  return {
    changed,
    catalog: definitions.length > 0 ? store.catalog.with(definitions) : store.catalog,
    indexDocuments: [...new Map(definitions).values()].filter(
      (each) => each?._type === 'index',
    ) as Document[],
  };
}

function enter(indexes: IndexSet, changes: readonly IndexedChange[], seq: number): void {
  const staging = new IndexStaging(indexes);
  staging.add(changes, seq);
  staging.apply(seq);
}

function beforeOf(
  change: Change,
  changed: ReadonlyMap<string, Document | undefined>,
  store: Absorbing,
): Document | undefined {
  const { id } = change;
  if (changed.has(id)) return changed.get(id);
  // A first revision has nothing before it, and looking for that is dear.
  if (change.kind === 'put' && change.rev === 1) return undefined;
  return store.stored(id)?.document;
}

function afterOf(change: Change): Document | undefined {
  return change.kind === 'put' ? change.document : undefined;
}

function isDefinition(document: Document | undefined): boolean {
  const type = document?._type;
  return type !== undefined && (type === 'index' || Catalog.defines(type));
}
