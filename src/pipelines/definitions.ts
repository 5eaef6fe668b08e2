import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';
import { checkPipeline } from './check-pipeline.js';
import { definitionHash } from './definition-hash.js';
import { PROGRAM_TYPE } from './guests/code-fields.js';
import { type Hashes, idsNamedBy, type Pinned, type Pins } from './pins.js';
import type { Pipeline, Stage } from './pipeline-document.js';
import { programPipeline } from './programs/program-document.js';
import type { RunDocument } from './run-document.js';

/** Reads a definition as it is now, or one of its kept revisions. */
export interface DefinitionReader {
  current(id: string): Document | undefined;
  revision(id: string, rev: number): Document | undefined;
  /** The ids of the documents that its code imports. */
  importsOf(document: Document): readonly string[];
}

/** The definitions of one run, at its pinned revisions. */
export class Definitions {
  #pins: Pins;
  #hashes: Hashes;
  readonly #reader: DefinitionReader;
  readonly #held = new Map<string, Document>();
  /** What `pinsOf` has given, until another definition is held. */
  #named = new WeakMap<Stage, Pins>();
  /** What was not known when the run began, and is pinned since it was used. */
  readonly #late: string[] = [];

  constructor({ definitions, hashes }: Pinned, reader: DefinitionReader) {
    this.#pins = definitions;
    this.#hashes = hashes;
    this.#reader = reader;
  }

  /**
   * The pinned revision; of a definition that is not pinned the one that is current
   * when the run first asks, which the next commit of a stage pins.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, DEFINITION_CHANGED
   */
  get(id: string): Document {
    const held = this.#held.get(id);
    if (held) return held;
    const read = this.#read(id);
    this.#held.set(id, read);
    this.#named = new WeakMap();
    return read;
  }

  /**
   * The pipeline of the run itself. It was checked before the run was stored, so one that is
   * pinned with its hash is not checked again: a process that takes runs up need not have the
   * validator.
   */
  pipeline(id: string): Pipeline {
    const wasChecked = Object.hasOwn(this.#hashes, id);
    const document = this.get(id);
    if (document._type === PROGRAM_TYPE) return programPipeline(document);
    return wasChecked ? (document as unknown as Pipeline) : checkPipeline(document);
  }

  /** The revisions of what a stage itself names and that imports, for its audit document. */
  pinsOf(stage: Stage): Pins {
    const known = this.#named.get(stage);
    if (known) return known;
    const found = this.#pinsNamedBy(stage);
    this.#named.set(stage, found);
    return found;
  }

  #pinsNamedBy(stage: Stage): Pins {
    const ids = new Set(idsNamedBy(stage));
    for (const id of ids) {
      const used = this.#held.get(id);
      for (const imported of used ? this.#reader.importsOf(used) : []) ids.add(imported);
    }
    const pinned = [...ids].filter((id) => Object.hasOwn(this.#pins, id));
    return Object.freeze(Object.fromEntries(pinned.map((id) => [id, this.#pins[id] as number])));
  }

  /** Writes what was pinned since the run began into the run's document, unless it is there. */
  keepLate(draft: Draft, run: RunDocument): void {
    const missing = this.#late.filter((id) => !Object.hasOwn(run.definitions, id));
    if (missing.length === 0) return;
    const { _rev, definitions, definition_hashes, ...rest } = run;
    const pick = <T>(from: Readonly<Record<string, T>>) =>
      Object.fromEntries(missing.map((id) => [id, from[id] as T]));
    draft.put(
      takeMade({
        ...rest,
        definitions: { ...definitions, ...pick(this.#pins) },
        definition_hashes: { ...definition_hashes, ...pick(this.#hashes) },
      }),
    );
  }

  #read(id: string): Document {
    if (!Object.hasOwn(this.#pins, id)) return this.#pinNow(id);
    const rev = this.#pins[id] as number;
    const current = this.#reader.current(id);
    const found = current?._rev === rev ? [current] : [];
    const hash = this.#hashes[id];
    const isThat = (document: Document | undefined): document is Document =>
      document !== undefined && (hash === undefined || definitionHash(document) === hash);
    if (isThat(found[0])) return found[0];
    const kept = this.#reader.revision(id, rev);
    if (isThat(kept)) return kept;
    if (found.length > 0 || kept) throw changed(id, rev);
    throw missing(id, rev);
  }

  #pinNow(id: string): Document {
    const document = this.#reader.current(id);
    if (!document) throw missing(id);
    this.#pins = { ...this.#pins, [id]: document._rev };
    this.#hashes = { ...this.#hashes, [id]: definitionHash(document) };
    this.#late.push(id);
    return document;
  }
}

/** What a run's document says of its definitions. */
export function pinnedIn({ definitions, definition_hashes }: RunDocument): Pinned {
  return { definitions, hashes: (definition_hashes ?? {}) as Hashes };
}

function missing(id: string, rev?: number): JdbxError {
  const which = rev === undefined ? '' : `, revision ${rev}`;
  return new JdbxError('MISSING_DOCUMENT', `expected the document ${id}${which}`, {
    details: { id, ...(rev === undefined ? {} : { rev }) },
  });
}

/** Its revisions began anew, or what was kept was altered: the number is the same, and nothing else. */
function changed(id: string, rev: number): JdbxError {
  const text = `expected ${id}, revision ${rev}, as it was when the run began, it has another content`;
  return new JdbxError('DEFINITION_CHANGED', text, { details: { id, rev } });
}
