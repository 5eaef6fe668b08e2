import { eventsOf } from '../answer-builder.js';
import type { ApiMapping } from '../api-mapping.js';
import type { ModelEvent, Provider, ProviderCall } from '../contract.js';
import type { Answer } from '../transport/read-answer.js';
import type { Transport } from '../transport/transport.js';

/** A provider that asks over HTTP in the words of one API. */
export function createHttpProvider(mapping: ApiMapping, transport: Transport): Provider {
  return {
    name: mapping.name,
    generate: async (call) =>
      mapping.read(await transport.whole(mapping.post(call, false), call), call),
    ...(mapping.readStream ? { tell: (call, take) => told(mapping, transport, call, take) } : {}),
  };
}

async function told(
  mapping: ApiMapping,
  transport: Transport,
  call: ProviderCall,
  take: (event: ModelEvent) => void,
): Promise<void> {
  const takeAll = (answer: Answer) => {
    for (const event of eventsOf(mapping.read(answer, call))) take(event);
  };
  const reader = mapping.readStream?.(call);
  if (!reader) return takeAll(await transport.whole(mapping.post(call, false), call));
  const framing = await mapping.framing?.();
  let isWhole = false;
  await transport.stream(
    mapping.post(call, true),
    call,
    (streamed) => {
      if (streamed.kind === 'piece') {
        for (const event of reader.take(streamed.piece, streamed.requestId)) take(event);
      } else {
        isWhole = true;
        takeAll(streamed.answer);
      }
    },
    framing,
  );
  if (!isWhole) for (const event of reader.end()) take(event);
}
