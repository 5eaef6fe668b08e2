/** The ways to call that are compared. Each makes `count` calls, so many at a time. */
import { pathToFileURL } from 'node:url';
import OpenAI from 'openai';
import { Pool } from 'undici';
import { open } from '../../dist/index.js';
import { requireRival } from '../rivals/install.mjs';

const PROMPT = 'Say forty words about the weather. '.repeat(10);
const messages = (n) => [{ role: 'user', content: `${PROMPT}${n}` }];
let calls = 0;

async function together(count, concurrency, call) {
  let left = count;
  const work = async () => {
    while (left-- > 0) await call(++calls);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

/** undici alone: the body is parsed, nothing else. */
export function bare(url) {
  const pool = new Pool(url, { connections: 64 });
  const post = (body) =>
    pool.request({
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    json: (count, concurrency) =>
      together(count, concurrency, async (n) => {
        const { body } = await post({ model: 'bench', messages: messages(n) });
        const answer = await body.json();
        if (answer.usage.completion_tokens !== 40) throw new Error('another answer');
      }),
    stream: (count, concurrency, first) =>
      together(count, concurrency, async (n) => {
        const startedAt = performance.now();
        const { body } = await post({ model: 'bench', messages: messages(n), stream: true });
        let seen = 0;
        for await (const chunk of body) {
          if (seen === 0) first?.(performance.now() - startedAt);
          seen += chunk.length;
        }
        if (seen < 1_000) throw new Error('another answer');
      }),
    close: () => pool.close(),
  };
}

export function openaiSdk(url) {
  const client = new OpenAI({ apiKey: 'none', baseURL: `${url}/v1`, maxRetries: 0 });
  return {
    json: (count, concurrency) =>
      together(count, concurrency, async (n) => {
        const { usage } = await client.chat.completions.create({
          model: 'bench',
          messages: messages(n),
        });
        if (usage.completion_tokens !== 40) throw new Error('another answer');
      }),
    stream: (count, concurrency, first) =>
      together(count, concurrency, async (n) => {
        const startedAt = performance.now();
        let text = '';
        const asked = { model: 'bench', messages: messages(n), stream: true };
        for await (const { choices } of await client.chat.completions.create(asked)) {
          if (text === '') first?.(performance.now() - startedAt);
          text += choices[0]?.delta?.content ?? '';
        }
        if (text.length !== 160) throw new Error('another answer');
      }),
    close: async () => {},
  };
}

/** The Vercel AI SDK with its provider for servers that speak as OpenAI does. */
export async function aiSdk(url) {
  const { generateText, streamText } = await importRival('ai');
  const { createOpenAICompatible } = await importRival('@ai-sdk/openai-compatible');
  const options = { name: 'bench', baseURL: `${url}/v1`, includeUsage: true };
  const model = createOpenAICompatible(options)('bench');
  const ask = (n) => ({ model, messages: messages(n), maxRetries: 0 });
  return {
    json: (count, concurrency) =>
      together(count, concurrency, async (n) => {
        const { usage } = await generateText(ask(n));
        if (usage.outputTokens !== 40) throw new Error('another answer');
      }),
    stream: (count, concurrency, first) =>
      together(count, concurrency, async (n) => {
        const startedAt = performance.now();
        let text = '';
        for await (const piece of streamText(ask(n)).textStream) {
          if (text === '') first?.(performance.now() - startedAt);
          text += piece;
        }
        if (text.length !== 160) throw new Error('another answer');
      }),
    close: async () => {},
  };
}

const importRival = (name) => import(pathToFileURL(requireRival.resolve(name)).href);

/**
 * A stage of a pipeline, to its durable commit: pool, budget, cache lookup (never a hit),
 * price, audit. One run maps over all calls, so that the run itself is not what is measured.
 */
export async function jdbx(url, directory, { plain = false } = {}) {
  const db = await open(directory, { env: {}, workers: 1 });
  const ask = {
    name: 'ask',
    integration: plain ? 'integration:one' : 'pool:p',
    inputs: { $concat: [PROMPT, { $toString: '$n' }] },
    params: { temperature: 0, max_tokens: 100 },
    ...(plain ? {} : { response_cache: true, budget: 'budget:b' }),
  };
  const pipeline = (name, stage) => ({
    _id: `pipeline:${name}`,
    _type: 'pipeline',
    stages: [1, 8, 1_000].map((concurrency) => ({
      name: `by-${concurrency}`,
      when: { $eq: ['$input.concurrency', concurrency] },
      map: { over: '$input.numbers', as: 'n', concurrency, stages: [stage] },
    })),
  });
  await db.put([
    {
      _id: 'integration:one',
      _type: 'integration',
      provider: 'openai',
      endpoint: `${url}/v1`,
      model: 'bench',
      price: { input_per_million: 1, output_per_million: 2 },
    },
    {
      _id: 'pool:p',
      _type: 'resource_pool',
      resources: [{ id: 'one', integration: 'integration:one', concurrency: 10_000 }],
      queue_max: 10_000,
    },
    { _id: 'budget:b', _type: 'budget', limits: { cost_usd: 1e9, tokens: 1e15 } },
    pipeline('json', ask),
    pipeline('stream', { ...ask, stream: true }),
  ]);
  const run = (name) => async (count, concurrency, first) => {
    const begun = new Map();
    const start = ({ path }) => begun.set(path, performance.now());
    const piece = ({ path, event }) => {
      if (event.kind !== 'text' || !begun.has(path)) return;
      first(performance.now() - begun.get(path));
      begun.delete(path);
    };
    if (first) db.events.on('stage-start', start).on('model-event', piece);
    const numbers = Array.from({ length: count }, () => ++calls);
    const { usage } = await db.run(`pipeline:${name}`, { numbers, concurrency });
    if (usage.output_tokens !== 40 * count) throw new Error('another answer');
    if (first) db.events.off('stage-start', start).off('model-event', piece);
  };
  return { json: run('json'), stream: run('stream'), close: () => db.close(), db };
}
