import type { NewDocument } from '../../base/document.js';

/** Fields that hold guest code, by the type of the document. */
export const CODE_FIELDS = {
  transformer: 'code',
  js_transformer: 'code',
  execution_engine: 'code',
  prompt: 'generator',
  prompt_template: 'generator',
  llm_orchestrator: 'strategy',
} as const;

export type CodeField = (typeof CODE_FIELDS)[keyof typeof CODE_FIELDS] | 'execute';

/** The field that holds a document's code, when its type has one. A program may call it `execute`. */
export function codeFieldOf(document: Pick<NewDocument, '_type'>): CodeField | undefined {
  const { _type: type, code, execute } = document as NewDocument;
  if (type === PROGRAM_TYPE && code === undefined && execute !== undefined) return 'execute';
  return Object.hasOwn(CODE_FIELDS, type)
    ? CODE_FIELDS[type as keyof typeof CODE_FIELDS]
    : undefined;
}

/** A pipeline that is written as a program. */
export const PROGRAM_TYPE = 'execution_engine';

/** Documents of these types can be imported: their code is all there is to them. */
export const LIBRARY_TYPES: readonly string[] = ['transformer', 'js_transformer'];
