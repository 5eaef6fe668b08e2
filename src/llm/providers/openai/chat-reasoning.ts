import { isPlainObject, type Value, type ValueObject } from '../../../base/values.js';

/** What some servers that speak chat completions write in pieces. */
const TEXTS = ['text', 'summary', 'data'] as const;

/**
 * The fields of a message with reasoning that servers want back beside its tool calls: DeepSeek's
 * `reasoning_content` (https://api-docs.deepseek.com/guides/thinking_mode#tool-calls), also an
 * empty one, and OpenRouter's `reasoning_details`
 * (https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks). Takes a
 * whole message, or its pieces one after the other.
 */
export class ChatReasoning {
  #content: string | undefined;
  #details: ValueObject[] | undefined;

  take({ reasoning_content: content, reasoning_details: details }: Record<string, unknown>): void {
    if (typeof content === 'string') this.#content = (this.#content ?? '') + content;
    if (!Array.isArray(details)) return;
    this.#details ??= [];
    for (const detail of details) if (isPlainObject(detail)) this.#add(detail as ValueObject);
  }

  /** The fields, where there are any. */
  get data(): ValueObject | undefined {
    if (this.#content === undefined && this.#details === undefined) return undefined;
    return {
      ...(this.#content === undefined ? {} : { reasoning_content: this.#content }),
      ...(this.#details === undefined ? {} : { reasoning_details: this.#details }),
    };
  }

  /** A detail that goes on from the last one is a part of it. */
  #add(detail: ValueObject): void {
    const last = this.#details?.at(-1);
    if (last && isNext(last, detail)) {
      this.#details?.splice(-1, 1, joined(last, detail));
    } else this.#details?.push(detail);
  }
}

function isNext(last: ValueObject, next: ValueObject): boolean {
  return next.index !== undefined && last.index === next.index && last.type === next.type;
}

function joined(last: ValueObject, next: ValueObject): ValueObject {
  const given = Object.entries(next).filter(([, value]) => value !== null);
  const texts = TEXTS.flatMap((field): [string, Value][] =>
    typeof next[field] === 'string' ? [[field, `${last[field] ?? ''}${next[field]}`]] : [],
  );
  return { ...last, ...Object.fromEntries(given), ...Object.fromEntries(texts) };
}
