import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { checkPipeline, templateOf } from './check-pipeline.js';
import type { Pipeline, Stage } from './contract.js';

/** Where definitions are read: one snapshot when a run begins, kept revisions later. */
export interface DefinitionReader {
  current(id: string): Document | undefined;
  revision(id: string, rev: number): Document | undefined;
}

/** What a run is pinned to: the revision of every definition that its pipeline names. */
export type Pins = { readonly [id: string]: number };

/**
 * Collects the pins of a pipeline: itself and, stage by stage, what its stages name.
 * Child pipelines are pinned when their own run begins, which is part of this run.
 *
 * @throws {JdbxError} MISSING_DOCUMENT at the path of the stage that names it
 */
export function pinDefinitions(pipeline: Document, reader: DefinitionReader): Pins {
  const pins: Record<string, number> = { [pipeline._id]: pipeline._rev };
  const pin = (id: string, path: string): void => {
    const document = reader.current(id);
    if (!document) {
      throw new JdbxError('MISSING_DOCUMENT', `expected the document ${id}`, {
        path,
        details: { id, pipeline: pipeline._id },
      });
    }
    pins[id] = document._rev;
    for (const [field, named] of Object.entries(namedBy(document))) {
      if (!Object.hasOwn(pins, named)) pin(named, `${path} (${id}.${field})`);
    }
  };
  walkStages(checkPipeline(pipeline).stages, 'stages', pin);
  return pins;
}

/** The definitions of one run, at its pinned revisions. */
export class Definitions {
  readonly pins: Pins;
  readonly #reader: DefinitionReader;
  readonly #held = new Map<string, Document>();

  constructor(pins: Pins, reader: DefinitionReader) {
    this.pins = pins;
    this.#reader = reader;
  }

  /** @throws {JdbxError} MISSING_DOCUMENT */
  get(id: string): Document {
    const held = this.#held.get(id) ?? this.#read(id);
    if (!held) {
      throw new JdbxError('MISSING_DOCUMENT', `expected the document ${id}`, { details: { id } });
    }
    this.#held.set(id, held);
    return held;
  }

  pipeline(id: string): Pipeline {
    return checkPipeline(this.get(id));
  }

  /** The revisions of what a stage itself names, for its audit document. */
  pinsOf(stage: Stage): Pins {
    const ids = [stage.transformer, stage.integration, stage.pipeline, templateOf(stage)];
    const pinned = ids.flatMap((id) =>
      id === undefined ? [] : [[id, this.pins[id] ?? this.get(id)._rev] as const],
    );
    return Object.fromEntries(pinned);
  }

  #read(id: string): Document | undefined {
    const rev = this.pins[id];
    if (rev === undefined) return this.#reader.current(id);
    const current = this.#reader.current(id);
    return current?._rev === rev ? current : this.#reader.revision(id, rev);
  }
}

function walkStages(
  stages: readonly Stage[],
  path: string,
  visit: (id: string, path: string) => void,
): void {
  stages.forEach((stage, index) => {
    const at = `${path}.${index}`;
    for (const field of ['transformer', 'integration', 'pipeline'] as const) {
      const id = stage[field];
      if (id !== undefined) visit(id, `${at}.${field}`);
    }
    const template = templateOf(stage);
    if (template !== undefined) visit(template, `${at}.template_ref`);
    for (const [name, branch] of Object.entries(stage.parallel ?? {})) {
      walkStages(branch, `${at}.parallel.${name}`, visit);
    }
    if (stage.map) walkStages(stage.map.stages, `${at}.map.stages`, visit);
  });
}

/** Definitions that a definition itself names: an orchestrator's choices. */
function namedBy(document: Document): Record<string, string> {
  const chain = document._type === 'llm_orchestrator' ? document.fallback_chain : undefined;
  if (!Array.isArray(chain)) return {};
  return Object.fromEntries(chain.map((id, index) => [`fallback_chain.${index}`, String(id)]));
}
