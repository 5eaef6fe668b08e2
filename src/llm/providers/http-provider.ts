import { eventsOf } from '../answer-builder.js';
import type { ApiMapping } from '../api-mapping.js';
import type { ModelEvent, Provider, ProviderCall } from '../contract.js';
import type { Transport } from '../transport/transport.js';

/** A provider that asks over HTTP in the words of one API. */
export function createHttpProvider(mapping: ApiMapping, transport: Transport): Provider {
  return {
    name: mapping.name,
    generate: async (call) =>
      mapping.read(await transport.whole(mapping.post(call, false), call), call),
    ...(mapping.readStream ? { stream: (call) => streamed(mapping, transport, call) } : {}),
  };
}

async function* streamed(
  mapping: ApiMapping,
  transport: Transport,
  call: ProviderCall,
): AsyncGenerator<ModelEvent, void, undefined> {
  const reader = mapping.readStream?.(call);
  if (!reader) {
    const answer = await transport.whole(mapping.post(call, false), call);
    return yield* eventsOf(mapping.read(answer, call));
  }
  const framing = await mapping.framing?.();
  for await (const streamed of transport.stream(mapping.post(call, true), call, framing)) {
    if (streamed.kind === 'whole') return yield* eventsOf(mapping.read(streamed.answer, call));
    yield* reader.take(streamed.piece, streamed.requestId);
  }
  yield* reader.end();
}
