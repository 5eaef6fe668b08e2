/** Embeddings over a server that speaks OpenAI's API, with vectors of its own. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openaiEmbedder } from '#jdbx/llm/embeddings/openai-embedder.js';
import { Transport } from '#jdbx/llm/transport/transport.js';
import { answer, FaultServer, type Seen, status } from '../support/fault-server.js';
import { failure } from './calling.js';

let server: FaultServer;
const transport = new Transport();
beforeAll(async () => {
  server = await FaultServer.start([status(500)]);
});
afterAll(() => Promise.all([server.close(), transport.close()]));

const embedder = (dims = 2) =>
  openaiEmbedder({
    transport,
    dims,
    secret: 'sk-secret-of-the-test',
    integration: {
      _id: 'i',
      _type: 'integration',
      _rev: 1,
      endpoint: `${server.url}/v1`,
      model: 'e',
    },
  });
const vectors = ({ body }: Seen) => ({
  data: body.input
    .map((text: string, index: number) => ({
      index,
      embedding: [text.length * 3, text.length * 4],
    }))
    .reverse(),
});

it('gives one vector of length 1 for each text, in their order', async () => {
  server.play([answer(vectors)]);
  const texts = Array.from({ length: 300 }, (_, n) => 'x'.repeat(n));
  const made = await embedder().embed(texts, { purpose: 'query' });
  expect(made).toHaveLength(300);
  expect([...(made[0] as Float32Array)]).toEqual([0, 0]);
  for (const vector of made.slice(1)) {
    expect(vector[0]).toBeCloseTo(0.6, 6);
    expect(vector[1]).toBeCloseTo(0.8, 6);
  }
  expect(server.requests.map(({ path, body }) => [path, body.input.length])).toEqual([
    ['/v1/embeddings', 256],
    ['/v1/embeddings', 44],
  ]);
  expect(embedder()).toMatchObject({ id: 'openai/e@2', kind: 'semantic', dims: 2 });
});

it('fails by a code when vectors are missing, of another length, or refused', async () => {
  server.play([answer({ data: [] })]);
  expect(await failure(embedder().embed(['a']))).toMatchObject({ code: 'MODEL_RESPONSE' });
  server.play([answer(vectors)]);
  expect(await failure(embedder(3).embed(['a']))).toMatchObject({ code: 'MODEL_RESPONSE' });
  server.play([status(503)]);
  expect(await failure(embedder().embed(['a']))).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
});
