import { isPlainObject } from '../../base/values.js';
import { describe, namesChecker, refuse } from '../expressions/operator.js';
import { checkVariable } from '../expressions/variables.js';
import { checkFieldPath } from '../field-paths.js';
import { type Segments, someAtPath, splitPath } from '../paths.js';
import { keyText } from './group.js';
import type { Document, Stage, StageContext, Stages } from './stage.js';
import { withValue } from './unwind.js';

const NAME = '$lookup';
const lookupNames = namesChecker(NAME, [
  'from',
  'localField',
  'foreignField',
  'let',
  'pipeline',
  'as!',
]);
const unionNames = namesChecker('$unionWith', ['coll', 'pipeline']);

interface Lookup {
  readonly from?: string;
  readonly localField?: string;
  readonly foreignField?: string;
  readonly let?: Document;
  readonly pipeline?: readonly Document[];
  readonly as: string;
}

/** Stages that read documents of other types. */
export const JOIN_STAGES: Stages = {
  $lookup: {
    check: checkLookup,
    run: function* (documents, operand: Lookup, context) {
      const matching = matcher(operand, context);
      const as = splitPath(operand.as);
      for (const document of documents) {
        const found = [...inner(operand, matching(document), document, context)];
        yield withValue(document as Document, as, found);
      }
    },
  },
  $unionWith: {
    check: (operand) => {
      if (typeof operand !== 'string' || operand === '') checkUnion(operand);
    },
    run: function* (
      documents,
      operand: string | { coll?: string; pipeline?: readonly Document[] },
      context,
    ) {
      yield* documents;
      const { coll, pipeline = [] } = typeof operand === 'string' ? { coll: operand } : operand;
      yield* context.run(pipeline, coll === undefined ? [] : context.find(coll, {}));
    },
  },
  $facet: facet(),
};

function checkUnion(operand: unknown): void {
  const { coll, pipeline } = unionNames(operand);
  if (coll === undefined ? !startsWithDocuments(pipeline) : typeof coll !== 'string' || coll === '')
    refuse('$unionWith', 'a type as coll', describe(coll));
}

function startsWithDocuments(pipeline: unknown): boolean {
  return Array.isArray(pipeline) && isPlainObject(pipeline[0]) && '$documents' in pipeline[0];
}

function checkLookup(operand: unknown): void {
  const args = lookupNames(operand);
  const { from, localField, foreignField, pipeline } = args;
  if (from === undefined ? !startsWithDocuments(pipeline) : typeof from !== 'string' || from === '')
    refuse(NAME, 'a type as from', describe(from));
  for (const path of [args.as, localField, foreignField])
    if (path !== undefined) checkFieldPath(path, NAME);
  if ((localField === undefined) !== (foreignField === undefined))
    refuse(NAME, 'localField and foreignField together', 'one');
  if (localField === undefined && pipeline === undefined)
    refuse(NAME, 'fields or a pipeline', 'neither');
  if (args.let === undefined) return;
  if (!isPlainObject(args.let)) refuse(NAME, 'an object of variables as let', describe(args.let));
  if (pipeline === undefined) refuse(NAME, 'a pipeline beside let', 'none');
  for (const name of Object.keys(args.let)) checkVariable(name, NAME);
}

/** Runs the pipeline of a lookup over the documents that join one document. */
function inner(
  { pipeline, let: variables }: Lookup,
  found: Iterable<Document>,
  document: unknown,
  context: StageContext,
): Iterable<unknown> {
  if (!pipeline) return found;
  const scope = context.scope(document);
  const bound = Object.entries(variables ?? {}).map(([name, value]) => [name, scope.value(value)]);
  return context.run(pipeline, found, Object.fromEntries(bound));
}

type Matching = (document: unknown) => Iterable<Document>;

/** By index where one leads with the field; else over a table made once. */
function matcher({ from, localField, foreignField }: Lookup, context: StageContext): Matching {
  if (from === undefined) return () => [];
  if (localField === undefined || foreignField === undefined) {
    const all = lazily(() => [...context.find(from, {})]);
    return () => all();
  }
  const local = splitPath(localField);
  if (foreignField === '_id' || context.isIndexed(from, foreignField)) {
    return (document) =>
      context.find(from, { [foreignField]: { $in: localValues(document, local) } });
  }
  const table = lazily(() => tableOf(context.find(from, {}), splitPath(foreignField)));
  return (document) => joined(table(), localValues(document, local));
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Every value at a path, elements of arrays each on their own; nothing counts as null. */
function localValues(document: unknown, path: Segments): readonly unknown[] {
  const values: unknown[] = [];
  someAtPath(document, path, false, (value) => {
    if (Array.isArray(value)) values.push(...value);
    else values.push(value ?? null);
    return false;
  });
  return values;
}

interface Placed {
  readonly at: number;
  readonly document: Document;
}

function tableOf(
  documents: Iterable<Document>,
  path: Segments,
): ReadonlyMap<string, readonly Placed[]> {
  const table = new Map<string, Placed[]>();
  let at = 0;
  for (const document of documents) {
    const keys = new Set<string>();
    someAtPath(document, path, true, (value) => {
      keys.add(keyText(value ?? null));
      return false;
    });
    for (const key of keys) {
      const list = table.get(key) ?? [];
      list.push({ at, document });
      table.set(key, list);
    }
    at++;
  }
  return table;
}

/** Each document once, in the order in which they were read. */
function joined(
  table: ReadonlyMap<string, readonly Placed[]>,
  values: readonly unknown[],
): Document[] {
  const found = new Map<number, Document>();
  for (const value of values) {
    for (const { at, document } of table.get(keyText(value)) ?? []) found.set(at, document);
  }
  return [...found].sort(([left], [right]) => left - right).map(([, document]) => document);
}

const NOT_IN_FACETS = ['$facet', '$out', '$merge', '$documents', '$collStats', '$geoNear'];

function facet(): Stage {
  return {
    check: (operand) => {
      if (!isPlainObject(operand) || Object.keys(operand).length === 0)
        refuse('$facet', 'an object of pipelines', describe(operand));
      for (const [name, pipeline] of Object.entries(operand)) {
        checkFieldPath(name, '$facet');
        if (name.includes('.')) refuse('$facet', 'a name without dots', name);
        if (!Array.isArray(pipeline)) refuse('$facet', 'pipelines', describe(pipeline));
        for (const [at, stage] of pipeline.entries()) {
          const inside = NOT_IN_FACETS.find((other) => isPlainObject(stage) && other in stage);
          if (inside !== undefined)
            refuse(`$facet.${name}.${at}`, 'a stage that may stand in a facet', inside);
        }
      }
    },
    run: function* (documents, operand: Readonly<Record<string, readonly Document[]>>, context) {
      const all = [...documents];
      const results = Object.entries(operand).map(([name, pipeline]) => [
        name,
        [...context.run(pipeline, all)],
      ]);
      yield Object.fromEntries(results);
    },
  };
}
