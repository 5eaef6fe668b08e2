import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { checkPipeline } from './check-pipeline.js';
import { PROGRAM_TYPE } from './guests/code-fields.js';
import { idsNamedBy, type Pins } from './pins.js';
import type { Pipeline, Stage } from './pipeline-document.js';
import { programPipeline } from './programs/program-document.js';

/** Reads a definition as it is now, or one of its kept revisions. */
export interface DefinitionReader {
  current(id: string): Document | undefined;
  revision(id: string, rev: number): Document | undefined;
  /** The ids of the documents that its code imports. */
  importsOf(document: Document): readonly string[];
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

  /**
   * The pinned revision; of a definition that is not pinned the one that is current
   * when this process first asks.
   *
   * @throws {JdbxError} MISSING_DOCUMENT
   */
  get(id: string): Document {
    const held = this.#held.get(id) ?? this.#read(id);
    this.#held.set(id, held);
    return held;
  }

  pipeline(id: string): Pipeline {
    const document = this.get(id);
    return document._type === PROGRAM_TYPE ? programPipeline(document) : checkPipeline(document);
  }

  /** The revisions of what a stage itself names and that imports, for its audit document. */
  pinsOf(stage: Stage): Pins {
    const ids = new Set(idsNamedBy(stage));
    for (const id of ids) {
      const used = this.#held.get(id);
      for (const imported of used ? this.#reader.importsOf(used) : []) ids.add(imported);
    }
    return Object.fromEntries([...ids].map((id) => [id, this.pins[id] as number]));
  }

  #read(id: string): Document {
    const rev = Object.hasOwn(this.pins, id) ? this.pins[id] : undefined;
    const current = this.#reader.current(id);
    if (current && (rev === undefined || current._rev === rev)) return current;
    const kept = rev === undefined ? undefined : this.#reader.revision(id, rev);
    if (kept) return kept;
    const which = rev === undefined ? '' : `, revision ${rev}`;
    throw new JdbxError('MISSING_DOCUMENT', `expected the document ${id}${which}`, {
      details: { id, ...(rev === undefined ? {} : { rev }) },
    });
  }
}
