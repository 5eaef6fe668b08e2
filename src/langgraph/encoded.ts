import { isUtf8 } from 'node:buffer';
import type { SerializerProtocol } from '@langchain/langgraph-checkpoint';

/** What a LangGraph serializer made of a value: text where its bytes are text. */
export type Encoded =
  | { readonly type: string; readonly text: string }
  | { readonly type: string; readonly bytes: Uint8Array };

export async function encode(serde: SerializerProtocol, value: unknown): Promise<Encoded> {
  const { type, bytes } = await encodeBytes(serde, value);
  return isUtf8(bytes) ? { type, text: Buffer.from(bytes).toString('utf8') } : { type, bytes };
}

export async function encodeBytes(
  serde: SerializerProtocol,
  value: unknown,
): Promise<{ readonly type: string; readonly bytes: Uint8Array }> {
  const [type, bytes] = await serde.dumpsTyped(value);
  return { type, bytes };
}

export function decode(serde: SerializerProtocol, encoded: Encoded): Promise<unknown> {
  return serde.loadsTyped(encoded.type, 'text' in encoded ? encoded.text : encoded.bytes);
}
