import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { checkPipeline, templateOf } from './check-pipeline.js';
import type { Stage } from './pipeline-document.js';

/** The revision of every definition that a run uses, by its id. */
export type Pins = { readonly [id: string]: number };

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
  transformer: 'transformer',
  integration: 'integration',
  pipeline: 'pipeline',
  template_ref: 'prompt',
  prompt: 'prompt',
} as const;

/** Transformers that an integration document may name. */
export const HOOKS = ['request_transformer', 'response_transformer', 'error_handler'] as const;

interface Named {
  readonly id: string;
  readonly type: string;
  readonly path: string;
}

/**
 * Collects the pins of a pipeline: itself, what its stages name, and what that names in
 * turn, pipelines included. What a strategy's code picks, or a guest's `llm.call` names,
 * cannot be known yet and is read when it is used.
 *
 * @throws {JdbxError} MISSING_DOCUMENT, INVALID_PIPELINE at the path of the stage that names it
 */
export function pinDefinitions(pipeline: string, source: PinSource): Pins {
  const pins: Record<string, number> = {};
  const waiting: Named[] = [{ id: pipeline, type: 'pipeline', path: '' }];
  for (let named = waiting.pop(); named; named = waiting.pop()) {
    const document = find(named, source);
    if (Object.hasOwn(pins, document._id)) continue;
    pins[document._id] = document._rev;
    waiting.push(...namedBy(document, source, named.path).reverse());
  }
  return pins;
}

function find({ id, type, path }: Named, source: PinSource): Document {
  const document = source.document(id);
  if (!document) {
    throw new JdbxError('MISSING_DOCUMENT', `expected the ${type} ${id}`, {
      path,
      details: { id },
    });
  }
  if (source.typesOf(type).includes(document._type)) return document;
  throw new JdbxError('INVALID_PIPELINE', `expected a ${type}, ${id} is a ${document._type}`, {
    path,
    details: { id },
  });
}

function namedBy(document: Document, source: PinSource, path: string): Named[] {
  const imported = source.importsOf(document).map((id) => {
    return { id, type: 'transformer', path: `${path} (${document._id})` };
  });
  return [...imported, ...namedInFields(document, source, path)];
}

function namedInFields(document: Document, source: PinSource, path: string): Named[] {
  if (source.typesOf('pipeline').includes(document._type)) {
    const at = path === '' ? '' : `${path} (${document._id}).`;
    return namedByStages(checkPipeline(document).stages, `${at}stages`);
  }
  if (!source.typesOf('integration').includes(document._type)) return [];
  const within = (field: string) => `${path} (${document._id}).${field}`;
  const chain = Array.isArray(document.fallback_chain) ? document.fallback_chain : [];
  return [
    ...chain.map((id, index) => ({
      id: String(id),
      type: 'integration',
      path: within(`fallback_chain.${index}`),
    })),
    ...HOOKS.filter((field) => typeof document[field] === 'string').map((field) => ({
      id: document[field] as string,
      type: 'transformer',
      path: within(field),
    })),
  ];
}

function namedByStages(stages: readonly Stage[], path: string): Named[] {
  return stages.flatMap((stage, index) => {
    const at = `${path}.${index}`;
    const own = Object.entries(TYPES).flatMap(([field, type]) => {
      const id = stage[field as keyof typeof TYPES];
      return id === undefined ? [] : [{ id, type, path: `${at}.${field}` }];
    });
    const branches = Object.entries(stage.parallel ?? {}).flatMap(([name, branch]) =>
      namedByStages(branch, `${at}.parallel.${name}`),
    );
    const elements = stage.map ? namedByStages(stage.map.stages, `${at}.map.stages`) : [];
    return [...own, ...branches, ...elements];
  });
}

/** The ids of the definitions that a stage itself names. */
export function idsNamedBy(stage: Stage): string[] {
  const ids = [stage.transformer, stage.integration, stage.pipeline, templateOf(stage)];
  return ids.filter((id) => id !== undefined);
}
