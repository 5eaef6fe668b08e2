import type { Content, ContentPart, MediaPart } from './contract.js';

/** The text of a message; images and files have none. */
export function textOf(content: Content): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The parts of a message; a plain string is one text part. */
export function partsOf(content: Content): readonly ContentPart[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

/** Where a part lies: its URL, or its bytes as a `data:` URL (https://www.rfc-editor.org/rfc/rfc2397). */
export function mediaUrl({ url, data, media_type }: MediaPart): string {
  return url ?? `data:${media_type};base64,${data}`;
}
