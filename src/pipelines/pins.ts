import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Pool } from '../llm/pools/pool-document.js';
import { checkPipeline, templateOf } from './check-pipeline.js';
import { definitionHash } from './definition-hash.js';
import { PROGRAM_TYPE } from './guests/code-fields.js';
import { listsIn, type Stage } from './pipeline-document.js';
import { stagesNamed } from './programs/program-document.js';
import { targetOf } from './tools/tool-document.js';

/** The revision of every definition that a run uses, by its id. */
export type Pins = { readonly [id: string]: number };
/** The hash of the content of every definition that a run uses, by its id. */
export type Hashes = { readonly [id: string]: string };

/** What a run is pinned to. */
export interface Pinned {
  readonly definitions: Pins;
  readonly hashes: Hashes;
}

/** Where definitions are found when a run begins: one snapshot, or the run that it is a part of. */
export interface PinSource {
  document(id: string): Document | undefined;
  /** A type and the types that an alias says it includes. */
  typesOf(type: string): readonly string[];
  /** The ids of the documents that its code imports. */
  importsOf(document: Document): readonly string[];
}

/** Fields that name a definition, and the type that it must have. */
const TYPES = {
  transformer: ['transformer'],
  integration: ['integration', 'resource_pool'],
  pipeline: ['pipeline', PROGRAM_TYPE],
  program: [PROGRAM_TYPE],
  tool: ['tool', 'transformer', 'pipeline', PROGRAM_TYPE],
  template_ref: ['prompt'],
  prompt: ['prompt'],
} as const;

/** Transformers that an integration document may name. */
export const HOOKS = [
  'request_transformer',
  'response_transformer',
  'stream_transformer',
  'error_handler',
] as const;

/** What of them turns a `custom` provider's words into ours. */
export const TRANSLATORS = HOOKS.slice(0, 3);

/** True of an integration whose transformers speak for the provider, instead of about its answers. */
export function isCustom({ provider }: Document): boolean {
  return typeof provider === 'string' && provider.trim().toLowerCase() === 'custom';
}

interface Named {
  readonly id: string;
  /** One of these it has to be. */
  readonly types: readonly string[];
  readonly path: string;
  /** Pipelines around it that run it whatever comes. */
  readonly certain: readonly string[];
}

/**
 * Collects the pins of a pipeline: itself, what its stages name, and what that names in
 * turn, pipelines included. What a strategy's code picks, or a guest's `llm.call` names,
 * cannot be known yet and is read when it is used.
 *
 * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE at the path of the stage that names it; also of a
 * circle of pipelines that nothing can end
 */
export function pinDefinitions(pipeline: string, source: PinSource): Pinned {
  const definitions: Record<string, number> = {};
  const hashes: Record<string, string> = {};
  const waiting: Named[] = [{ id: pipeline, types: TYPES.pipeline, path: '', certain: [] }];
  for (let named = waiting.pop(); named; named = waiting.pop()) {
    const document = find(named, source);
    refuseCircle(named, document);
    if (Object.hasOwn(definitions, document._id)) continue;
    definitions[document._id] = document._rev;
    hashes[document._id] = definitionHash(document);
    waiting.push(...namedBy(document, source, named).reverse());
  }
  return { definitions, hashes };
}

/**
 * A definition and all that it names in turn, for what depends on their content.
 *
 * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE
 */
export function definitionsUnder(ids: readonly string[], source: PinSource): Document[] {
  const found = new Map<string, Document>();
  const waiting = ids.map((id) => ({ id, path: '', certain: [] as string[] }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const document = found.has(next.id) ? undefined : source.document(next.id);
    if (!document) continue;
    found.set(next.id, document);
    waiting.push(...namedBy(document, source, next).map(({ id }) => ({ ...next, id })));
  }
  return [...found.values()];
}

function find({ id, types, path }: Named, source: PinSource): Document {
  const document = source.document(id);
  const what = types.join(' or ');
  if (!document) {
    throw new JdbxError('MISSING_DOCUMENT', `expected the ${what} ${id}`, {
      path,
      details: { id },
    });
  }
  if (types.some((type) => source.typesOf(type).includes(document._type))) return document;
  throw new JdbxError('INVALID_PIPELINE', `expected a ${what}, ${id} is a ${document._type}`, {
    path,
    details: { id },
  });
}

/** Pipelines may call each other in a circle only where something can end it. */
function refuseCircle({ path, certain }: Named, { _id }: Document): void {
  const begin = certain.indexOf(_id);
  if (begin === -1) return;
  const circle = [...certain.slice(begin), _id].join(' → ');
  throw new JdbxError('INVALID_PIPELINE', `expected pipelines that end, got ${circle}`, { path });
}

type Place = Pick<Named, 'path' | 'certain'>;

function namedBy(document: Document, source: PinSource, place: Place): Named[] {
  const imported = source.importsOf(document).map((id) => {
    return { id, types: ['transformer'], path: `${place.path} (${document._id})`, certain: [] };
  });
  return [...imported, ...namedInFields(document, source, place)];
}

function namedInFields(document: Document, source: PinSource, { path, certain }: Place): Named[] {
  const { _id: id, _type: type } = document;
  if (source.typesOf('pipeline').includes(type)) {
    const at = path === '' ? '' : `${path} (${id}).`;
    return namedByStages(checkPipeline(document).stages, `${at}stages`, [...certain, id]);
  }
  if (type === PROGRAM_TYPE) {
    // Which of them it runs, and how often, is the program's own.
    return namedByStages(stagesNamed(document) ?? [], `${path} (${id}).stages`, []);
  }
  const within = (field: string) => `${path} (${id}).${field}`;
  if (source.typesOf('tool').includes(type)) {
    const [field, name] = targetOf(document);
    if (field === 'builtin') return [];
    return [{ id: name, types: TYPES[field], path: within(field), certain }];
  }
  if (type === 'resource_pool') return namedByPool(document as Pool, within);
  if (!source.typesOf('integration').includes(type)) return [];
  const chain = Array.isArray(document.fallback_chain) ? document.fallback_chain : [];
  return [
    ...chain.map((each, index) => ({
      id: String(each),
      types: ['integration'],
      path: within(`fallback_chain.${index}`),
      certain: [],
    })),
    ...HOOKS.filter((field) => typeof document[field] === 'string').map((field) => ({
      id: document[field] as string,
      types: ['transformer'],
      path: within(field),
      certain: [],
    })),
  ];
}

function namedByPool(pool: Pool, within: (field: string) => string): Named[] {
  const { allocation_strategy: strategy = '', resources } = pool;
  const named = resources.flatMap(({ integration: id }, index) =>
    id === undefined
      ? []
      : [
          {
            id,
            types: ['integration'],
            path: within(`resources.${index}.integration`),
            certain: [],
          },
        ],
  );
  if (!strategy.includes(':')) return named;
  return [
    ...named,
    { id: strategy, types: ['transformer'], path: within('allocation_strategy'), certain: [] },
  ];
}

/** `certain` ends where a condition begins: what is behind it may not run. */
function namedByStages(
  stages: readonly Stage[],
  path: string,
  certain: readonly string[],
): Named[] {
  return stages.flatMap((stage, index) => {
    const at = `${path}.${index}`;
    const sure = stage.when === undefined ? certain : [];
    const own = Object.entries(TYPES).flatMap(([field, types]) => {
      const id = stage[field as keyof typeof TYPES];
      return id === undefined ? [] : [{ id, types, path: `${at}.${field}`, certain: sure }];
    });
    const tools = (stage.tools ?? []).map((id, place) => ({
      id,
      types: TYPES.tool,
      path: `${at}.tools.${place}`,
      certain: [],
    }));
    const inner = listsIn(stage).flatMap((list) =>
      namedByStages(list.stages, `${at}.${list.path}`, list.conditional ? [] : sure),
    );
    return [...own, ...tools, ...inner];
  });
}

/** The ids of the definitions that a stage itself names. */
export function idsNamedBy(stage: Stage): string[] {
  const ids = [
    ...[stage.transformer, stage.integration, stage.pipeline, stage.program, stage.tool],
    templateOf(stage),
  ];
  return [...ids.filter((id) => id !== undefined), ...(stage.tools ?? [])];
}
