import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider';

/**
 * A language model of specification v4, by what is used of it: the types of the package's major
 * version that knows v4 need Node 22, and whoever has the one before must still compile.
 */
export interface LanguageModelV4 {
  readonly specificationVersion: 'v4';
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: never): PromiseLike<unknown>;
  doStream(options: never): PromiseLike<unknown>;
}

/** The part of a model that is called. */
export type CalledModel = Pick<LanguageModelV3, 'doGenerate' | 'doStream'>;

/**
 * A model of v4, called as one of v3. Of what is said here the two differ in one thing: v4 tags
 * the data of files. What v4 adds to answers (citations, files of reasoning, `ping`, custom parts)
 * has kinds of its own, which are passed over as v3's unknown ones are.
 * https://github.com/vercel/ai/tree/main/packages/provider/src/language-model/v4
 */
export function asVersion3(model: LanguageModelV4): CalledModel {
  return {
    doGenerate: (options) => model.doGenerate(tagFiles(options) as never) as never,
    doStream: (options) => model.doStream(tagFiles(options) as never) as never,
  };
}

function tagFiles({ prompt, ...options }: LanguageModelV3CallOptions): object {
  return {
    ...options,
    prompt: prompt.map((message) =>
      typeof message.content === 'string'
        ? message
        : { ...message, content: message.content.map(tagFile) },
    ),
  };
}

function tagFile(part: { readonly type: string; readonly data?: unknown }): object {
  if (part.type !== 'file') return part;
  const { data } = part;
  return {
    ...part,
    data: data instanceof URL ? { type: 'url', url: data } : { type: 'data', data },
  };
}
