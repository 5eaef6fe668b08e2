import { partsOf } from './content.js';
import type { Content, MediaPart, ReasoningPart, ToolCall } from './contract.js';

/** What segments are made of: an answer, or the message that repeats it. */
export interface Answered {
  readonly content: Content;
  readonly tool_calls?: readonly ToolCall[] | undefined;
  readonly reasoning_parts?: readonly ReasoningPart[] | undefined;
}

/**
 * A piece of an answer: a text, an image or a file, a tool call, or a reasoning part. A
 * reasoning part beside a text or a call marks it; alone, it is one of its own.
 */
export interface Segment {
  readonly text?: string;
  readonly media?: MediaPart;
  readonly call?: ToolCall;
  readonly part?: ReasoningPart;
}

/**
 * What an answer said, in the order in which it came: reasoning parts stand where they stood
 * between its text and its tool calls. Without any, the text is followed by the calls.
 *
 * @param scope only the parts of it. Default: all
 */
export function segmentsOf(answered: Answered, scope?: string): readonly Segment[] {
  const { content, tool_calls = [], reasoning_parts = [] } = answered;
  const parts = reasoning_parts.filter((part) => scope === undefined || part.scope === scope);
  if (parts.length === 0) return [...said(content), ...tool_calls.map((call) => ({ call }))];
  const isText = typeof content === 'string';
  const weaver = new Weaver(isText ? [] : said(content), isText ? content : '', tool_calls);
  for (const part of parts) weaver.add(part);
  return weaver.end();
}

function said(content: Content): Segment[] {
  if (content === '') return [];
  return partsOf(content).map((part) =>
    part.type === 'text' ? { text: part.text } : { media: part },
  );
}

/** Puts the parts back between the characters of a text and the calls. */
class Weaver {
  readonly #segments: Segment[] = [];
  readonly #text: string;
  readonly #calls: readonly ToolCall[];
  /** What was said in parts, and stands before all calls. */
  #listed: readonly Segment[];
  #characters = 0;
  #made = 0;

  constructor(listed: readonly Segment[], text: string, calls: readonly ToolCall[]) {
    this.#listed = listed;
    this.#text = text;
    this.#calls = calls;
  }

  /** What a part marks may be gone: a text cleaned since, or a call that was left out. */
  add(part: ReasoningPart): void {
    const { after, marks } = part;
    if (after.calls > 0) this.#callsTo(after.calls);
    else this.#textTo(after.text);
    if (marks === undefined) this.#segments.push({ part });
    else if (marks === 'call') this.#mark(part);
    else {
      const text = this.#text.slice(this.#characters, this.#characters + marks);
      this.#segments.push({ text, part });
      this.#characters += text.length;
    }
  }

  end(): readonly Segment[] {
    this.#callsTo(this.#calls.length);
    return this.#segments;
  }

  #mark(part: ReasoningPart): void {
    this.#callsTo(this.#made);
    const call = this.#calls[this.#made];
    if (call === undefined) return;
    this.#made++;
    this.#segments.push({ call, part });
  }

  #callsTo(count: number): void {
    this.#textTo(this.#text.length);
    this.#segments.push(...this.#listed);
    this.#listed = [];
    while (this.#made < Math.min(count, this.#calls.length)) {
      this.#segments.push({ call: this.#calls[this.#made++] as ToolCall });
    }
  }

  #textTo(end: number): void {
    const text = this.#text.slice(this.#characters, end);
    if (text === '') return;
    this.#segments.push({ text });
    this.#characters += text.length;
  }
}
