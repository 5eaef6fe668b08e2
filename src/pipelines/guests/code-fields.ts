/** Fields that hold guest code, by the type of the document. */
export const CODE_FIELDS = {
  transformer: 'code',
  js_transformer: 'code',
  prompt: 'generator',
  prompt_template: 'generator',
  llm_orchestrator: 'strategy',
} as const;

export type CodeField = (typeof CODE_FIELDS)[keyof typeof CODE_FIELDS];

/** The field that holds a document's code, when its type has one. */
export function codeFieldOf(type: string): CodeField | undefined {
  return Object.hasOwn(CODE_FIELDS, type)
    ? CODE_FIELDS[type as keyof typeof CODE_FIELDS]
    : undefined;
}

/** Documents of these types can be imported: their code is all there is to them. */
export const LIBRARY_TYPES: readonly string[] = ['transformer', 'js_transformer'];
