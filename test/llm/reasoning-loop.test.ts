/** A tool loop with models that reason: what they signed goes back to them, and to nobody else. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Jdbx, MEMORY, open } from '#jdbx/index.js';
import {
  answer,
  type Behaviour,
  eventStream,
  FaultServer,
  status,
} from '../support/fault-server.js';
import { messagesAnswer } from './provider-answers.js';
import { REASONING_TALKS, type ReasoningTalk, SEALED } from './reasoning-talks.js';

const talkOf = (provider: string) =>
  REASONING_TALKS.find((talk) => talk.provider === provider) as ReasoningTalk;
const anthropic = talkOf('anthropic');
const responses = talkOf('openai-responses');

let server: FaultServer;
let db: Jdbx;
beforeAll(async () => {
  server = await FaultServer.start([status(500)]);
  db = await open(MEMORY, { env: {}, workers: 1 });
  const integrations = [anthropic, responses].map(({ provider, base, model }) => ({
    _id: `integration:${provider}`,
    _type: 'integration',
    provider,
    model,
    endpoint: server.url + base,
    retry_strategy: { max_retries: 0 },
  }));
  await db.put([
    ...integrations,
    {
      _id: 'orchestrator:o',
      _type: 'llm_orchestrator',
      fallback_chain: integrations.map(({ _id }) => _id),
    },
    ...['weather', 'clock'].map((name) => ({
      _id: `transformer:${name}`,
      _type: 'transformer',
      code: `function ${name}() { return 'fine'; }`,
    })),
    ...[true, false].map((stream) => ({
      _id: `pipeline:${stream}`,
      _type: 'pipeline',
      stages: [
        {
          name: 'ask',
          integration: 'orchestrator:o',
          inputs: { prompt: 'What is it like?' },
          tools: ['transformer:weather', 'transformer:clock'],
          stream,
        },
      ],
    })),
  ] as never);
});
afterAll(async () => {
  await db.close();
  await server.close();
});

const done: Behaviour = answer(messagesAnswer);
let first: Behaviour;
beforeEach(() => {
  first = answer(anthropic.whole);
});

it.each([false, true])('gives a model its own reasoning back, streamed: %s', async (stream) => {
  if (stream) first = eventStream(anthropic.stream);
  server.play([first, done]);
  const { output } = await db.run(`pipeline:${stream}`, {});
  expect(output).toMatchObject({ text: 'The answer is 42.', turns: 2 });
  const [, second] = server.requests;
  expect(anthropic.turns(second?.body)?.slice(1, 2)).toEqual(anthropic.back);
});

it('goes on with another provider, which sees none of it', async () => {
  const end = {
    ...responses.whole,
    output: [{ type: 'message', content: [{ type: 'output_text', text: 'It rains.' }] }],
  };
  server.play([first, status(529), answer(end)]);
  const { output } = await db.run('pipeline:false', {});
  expect(output).toMatchObject({ text: 'It rains.', turns: 2 });
  const { path, body } = server.requests[2] as { path: string; body: Record<string, object[]> };
  expect(path).toBe('/v1/responses');
  expect(responses.turns(body)?.slice(1, 4)).toEqual(responses.foreign);
  expect(JSON.stringify(body)).not.toContain(SEALED);
});
