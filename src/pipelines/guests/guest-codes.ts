import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType } from '../../base/values.js';
import { checkGuestCode, checkModule } from '../../sandbox/entry.js';
import { linkModules, type ModuleCode } from '../../sandbox/modules/link-modules.js';
import type { ModuleLinks } from '../../sandbox/modules/module-links.js';
import { stripTypes } from '../../sandbox/typescript/strip-types.js';
import { type CodeField, codeFieldOf, LIBRARY_TYPES } from './code-fields.js';

/** How many codes are remembered, parsed and stripped. */
const REMEMBERED_MAX = 1_000;

export type FindDocument = (id: string) => Document | undefined;
type Coded = Document | NewDocument;

/**
 * The code in documents as the sandbox takes it: JavaScript, with the modules that it
 * imports. TypeScript is stripped of its types when a document is written; the result is
 * a document of its own, `stripped:` and the hash of the source, so that a store is run
 * without the stripper too.
 */
export class GuestCodes {
  readonly #stored: FindDocument;
  readonly #stripped = new LRUCache<string, string>({ max: REMEMBERED_MAX });
  readonly #links = new LRUCache<string, ModuleLinks>({ max: REMEMBERED_MAX });

  /** `stored` finds a document of the store as it is now. */
  constructor(stored: FindDocument) {
    this.#stored = stored;
  }

  /**
   * The code in a field, as JavaScript with the lines and columns of the source.
   *
   * @throws {JdbxError} INVALID_DOCUMENT, GUEST_SYNTAX, TYPESCRIPT_MISSING
   */
  javascript(document: Coded, field: CodeField | undefined = codeFieldOf(document)): string {
    const source = field === undefined ? undefined : document[field];
    if (typeof source !== 'string') {
      const text = `expected the code of a function, got ${describeType(source)}`;
      throw new JdbxError('INVALID_DOCUMENT', text, { path: field });
    }
    return isTypeScript(document) ? this.#strip(source, nameOf(document)) : source;
  }

  /**
   * Checks what a document's code says for itself. A module that exports something may be
   * there for others alone, and so needs no entry.
   *
   * @throws {JdbxError} INVALID_DOCUMENT, GUEST_SYNTAX, TYPESCRIPT_MISSING
   */
  check(document: NewDocument): void {
    const field = codeFieldOf(document);
    if (field === undefined) return;
    checkLanguage(document);
    const code = this.javascript(document, field);
    const name = nameOf(document);
    const entry = document.entry as string | undefined;
    const mayBeLibrary = LIBRARY_TYPES.includes(document._type) && entry === undefined;
    if (mayBeLibrary && exportsAnything(this.#linksOf({ name, code }))) return;
    checkGuestCode(code, { name, entry });
  }

  /** The ids of the documents that a document's code imports itself. */
  importsOf(document: Document): readonly string[] {
    const field = codeFieldOf(document);
    if (field === undefined || typeof document[field] !== 'string') return [];
    return this.links(document).imports.map(({ specifier }) => specifier);
  }

  links(document: Document): ModuleLinks {
    return this.#linksOf({ name: document._id, code: this.javascript(document) });
  }

  /**
   * The code of every document that a document's code imports, directly or not, by id.
   *
   * @throws {JdbxError} UNRESOLVED_IMPORT
   */
  link(document: Document, field: CodeField | undefined, find: FindDocument) {
    const code = this.javascript(document, field);
    return linkModules(
      { name: document._id, code },
      (id) => this.#moduleOf(id, find),
      (module) => this.#linksOf(module),
    );
  }

  /** The document that keeps a TypeScript document's code without its types. */
  strippedForm(document: Document): NewDocument | undefined {
    const field = codeFieldOf(document);
    if (field === undefined || !isTypeScript(document)) return undefined;
    const code = this.javascript(document, field);
    return { _id: strippedId(document[field] as string), _type: STRIPPED_TYPE, code };
  }

  #moduleOf(id: string, find: FindDocument): { readonly code: string } | string {
    const document = find(id);
    if (!document) return 'found none';
    if (!LIBRARY_TYPES.includes(document._type)) return `found a ${document._type}`;
    return { code: this.javascript(document, 'code') };
  }

  #linksOf({ name, code }: ModuleCode): ModuleLinks {
    const known = this.#links.get(code) ?? checkModule(code, { name });
    this.#links.set(code, known);
    return known;
  }

  #strip(source: string, name: string): string {
    const code =
      this.#stripped.get(source) ?? this.#storedForm(source) ?? stripTypes(source, { name });
    this.#stripped.set(source, code);
    return code;
  }

  #storedForm(source: string): string | undefined {
    const form = this.#stored(strippedId(source));
    const isForm = form?._type === STRIPPED_TYPE && typeof form.code === 'string';
    return isForm ? (form.code as string) : undefined;
  }
}

/** Written by the store alone. */
export const STRIPPED_TYPE = 'stripped';

function strippedId(source: string): string {
  return `${STRIPPED_TYPE}:${createHash('sha256').update(source).digest('hex')}`;
}

function exportsAnything({ imports, exports }: ModuleLinks): boolean {
  return exports.length > 0 || imports.some(({ all }) => all);
}

function nameOf({ _id, _type }: Coded): string {
  return _id ?? _type;
}

const LANGUAGES = ['js', 'javascript', 'ts', 'typescript'];

function isTypeScript({ language }: Coded): boolean {
  return language === 'ts' || language === 'typescript';
}

/** Prompts may use the field for the language of their readers. */
function checkLanguage(document: NewDocument): void {
  const { language, _type } = document;
  if (language === undefined || !LIBRARY_TYPES.includes(_type)) return;
  if (LANGUAGES.includes(language as string)) return;
  const got = typeof language === 'string' ? `"${language}"` : describeType(language);
  throw new JdbxError('INVALID_DOCUMENT', `expected one of ${LANGUAGES.join(', ')}, got ${got}`, {
    path: 'language',
  });
}
