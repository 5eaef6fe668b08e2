/**
 * Kept answers for questions that mean the same, over a model and an embeddings API on loopback.
 * The embedder computes likenesses of words (see its file); the tests say which are alike.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Jdbx, LabelledPair } from '#jdbx/index.js';
import { unit } from '#jdbx/llm/embeddings/embedder.js';
import { DIMS, embeddings, trigrams } from '../support/embedding-server.js';
import { answer, FaultServer, type Seen, status } from '../support/fault-server.js';
import { chat, integration, openStore, pipeline, runFailure, transformer } from './support.js';

let model: FaultServer;
let embedder: FaultServer;
let db: Jdbx;
let now = 1_700_000_000_000;
beforeAll(async () => {
  [model, embedder] = await Promise.all([
    FaultServer.start([status(500)]),
    FaultServer.start([embeddings()]),
  ]);
});
afterAll(() => Promise.all([model.close(), embedder.close()]));
beforeEach(async () => {
  db = await openStore({ clock: { now: () => now }, env: { EMBED_KEY: 'sk-embed' } });
  model.play([answer((seen: Seen) => chat(`On ${topicOf(seen)}`))]);
  embedder.play([embeddings()]);
  const price = { input_per_million: 100, output_per_million: 200 };
  await db.put([
    integration('one', model.url, { price }),
    { _id: 'cred:embed', _type: 'credential', env: 'EMBED_KEY' },
    {
      _id: 'embedder:words',
      _type: 'embedder',
      provider: 'openai',
      endpoint: `${embedder.url}/v1`,
      model: 'words',
      dims: DIMS,
      credentials_ref: 'cred:embed',
      price: { input_per_million: 1, output_per_million: 0 },
    },
  ]);
  return () => db.close();
});

/** The model answers by the topic alone, whatever stands around it. */
function topicOf({ body }: Seen): string {
  return /tea|coffee/i.exec(body.messages.at(-1).content)?.[0].toLowerCase() ?? 'nothing';
}

const TEA = 'How long does green tea have to stand in the pot?';
const TEA_TOO = 'How long does green tea have to stand in a pot, then?';
const COFFEE = 'Who first brought coffee to Vienna, and when was that?';
const COFFEE_NEAR = 'How long does green coffee have to stand in the pot?';

/** Near ones that agree and far ones that do not: from some likeness on all agree. */
const PAIRS: readonly LabelledPair[] = Array.from({ length: 60 }, (_, n) => ({
  a: `What is the name of the town that lies at river number ${'x'.repeat(1 + (n % 7))}?`,
  b: n % 3 === 0 ? 'Which bird sings first?' : 'What is the name of the town at this river number?',
  same: n % 3 !== 0,
}));

const calibrated = () => db.calibrateEmbedder('embedder:words', PAIRS, 0.9);
const params = { temperature: 0 };
const rule = (more: object = {}) => ({
  response_cache: { semantic: { embedder: 'embedder:words', verify: 0, ...more } },
});

async function ask(question: string, stage: object = rule()): Promise<string> {
  const asking = { name: 'ask', integration: 'integration:one', params, ...stage };
  await db.put(pipeline('ask', [asking]));
  return ((await db.run('pipeline:ask', question)).output as { text: string }).text;
}

const audit = (kind: string) => db.audit.query({ kind }).sort({ n: 1 }).toArray();

describe('an answer that is kept', () => {
  it('is given for equal requests only, unless asked otherwise', async () => {
    await calibrated();
    const asked = embedder.requests.length;
    await ask(TEA, { response_cache: true });
    await ask(TEA_TOO, { response_cache: true });
    expect(model.requests).toHaveLength(2);
    expect(embedder.requests).toHaveLength(asked);
  });

  it('is given for a question that means the same, and is on record with what it saved', async () => {
    const { threshold, pairs } = await calibrated();
    expect(pairs).toBe(60);
    expect(threshold).toBeGreaterThan(0.5);
    expect(await ask(TEA)).toBe('On tea');
    expect(await ask(TEA_TOO)).toBe('On tea');
    expect(await ask(COFFEE)).toBe('On coffee');
    expect(model.requests).toHaveLength(2);
    const given = (await audit('llm-call')).filter(({ cached }) => cached);
    expect(given).toEqual([
      expect.objectContaining({
        from: expect.stringMatching(/^cached_response:/),
        semantic: {
          embedder: `openai/words@${DIMS}`,
          entry: expect.stringMatching(/^semantic_entry:/),
          similarity: expect.closeTo(0.9, 0),
        },
        saves: {
          input_tokens: 10,
          output_tokens: 5,
          cost_usd: 0.002,
          latency_ms: expect.any(Number),
        },
      }),
    ]);
    expect((await audit('embed-call'))[0]).toMatchObject({
      embedder: `openai/words@${DIMS}`,
      usage: { input_tokens: TEA.length },
      cost_usd: TEA.length / 1e6,
    });
    expect(embedder.requests.at(-1)?.headers.authorization).toBe('Bearer sk-embed');
    expect(await db.cacheReport()).toMatchObject({ exact: 0, semantic: 1, saved_usd: 0.002 });
  });

  it('is not given before the embedder is calibrated, but what would agree is on record', async () => {
    await ask(TEA);
    await ask(TEA_TOO);
    expect(model.requests).toHaveLength(2);
    expect(await audit('semantic-check')).toEqual([
      expect.objectContaining({ would_serve: false, agreed: true }),
    ]);
  });

  it('is not given where anything but the words differs', async () => {
    await calibrated();
    await ask(TEA);
    await ask(TEA_TOO, { ...rule(), params: { temperature: 0, seed: 7 } });
    await ask(TEA_TOO, { ...rule(), model: 'other' });
    await ask(TEA_TOO, { ...rule(), response_schema: {} }).catch(() => {});
    expect(model.requests).toHaveLength(4);
    await db.put(transformer('note', 'function note() { return 1 }'));
    await ask(TEA_TOO, { ...rule(), tools: ['transformer:note'] });
    expect(model.requests).toHaveLength(5);
  });

  it('ends with its age, with its integration’s revision, and when it makes way', async () => {
    await calibrated();
    await ask(TEA);
    const entries = () => db.query({ _type: 'semantic_entry' }).count();
    now += 10_000;
    const { semantic } = rule().response_cache;
    await ask(TEA_TOO, { response_cache: { semantic, max_age_ms: 5_000 } });
    expect(model.requests).toHaveLength(2);
    // The entry whose answer is too old went, and the new question came.
    expect(await entries()).toBe(1);
    await db.update('integration:one', { $set: { note: 'another revision' } });
    await ask(TEA);
    expect(model.requests).toHaveLength(3);
    await db.remove({ _type: 'cached_response' }, { many: true });
    await ask(TEA_TOO);
    expect(model.requests).toHaveLength(4);
  });
});

it('a question goes with its answer when that makes way', async () => {
  const { semantic } = rule().response_cache;
  for (let n = 0; n < 6; n++) {
    now += 1_000;
    await ask(`${TEA} ${n}`, { response_cache: { semantic, max_bytes: 400 } });
  }
  const kept = await db.query({ _type: 'cached_response' }).toArray();
  const entries = await db.query({ _type: 'semantic_entry' }).toArray();
  expect(kept.length).toBeLessThan(6);
  expect(entries.map(({ from }) => from).sort()).toEqual(kept.map(({ _id }) => _id).sort());
});

describe('in shadow', () => {
  it('the model is asked all the same, and what would have been given is held against it', async () => {
    await calibrated();
    const shadow = rule({ shadow: true });
    await ask(TEA, shadow);
    expect(await ask(TEA_TOO, shadow)).toBe('On tea');
    expect(await ask(COFFEE_NEAR, shadow)).toBe('On coffee');
    expect(model.requests).toHaveLength(3);
    const checks = await audit('semantic-check');
    expect(checks.map(({ agreed, would_serve }) => [agreed, would_serve])).toEqual([
      [true, true],
      [false, true],
    ]);
    const report = await db.cacheReport();
    expect(report).toMatchObject({ semantic: 0, checked: 2, false_hits: 1, false_hit_rate: 0.5 });
    const [low = 0, high = 0] = report.false_hit_interval ?? [];
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(1);
  });

  it('a judge of the user’s own says whether answers agree', async () => {
    await calibrated();
    const code = `function judge({ question, kept, fresh }) {
      if (!question.includes('coffee')) throw new Error(question);
      return kept.text.startsWith('On') && fresh.text.startsWith('On');
    }`;
    await db.put(transformer('judge', code));
    await ask(TEA, rule({ shadow: true }));
    await ask(COFFEE_NEAR, rule({ shadow: true, judge: 'transformer:judge' }));
    expect((await audit('semantic-check'))[0]).toMatchObject({ agreed: true });
  });
});

it('an entry that was wrong once has a threshold of its own, above that', async () => {
  await calibrated();
  await ask(TEA);
  expect(await ask(COFFEE_NEAR, rule({ verify: 1 }))).toBe('On coffee');
  await db.remove({ _type: 'semantic_entry', disagreed: { $size: 0 } }, { many: true });
  const before = model.requests.length;
  const less = 'How long does some green juice have to stand in the pot, say?';
  const more = 'How long does green tea have to stand in the pot';
  await ask(less);
  expect(model.requests).toHaveLength(before + 1);
  await ask(more);
  expect(model.requests).toHaveLength(before + 1);
});

describe('an embedder', () => {
  it('of words is refused, unless it is asked for', async () => {
    const own = {
      id: 'own/trigrams@256',
      dims: DIMS,
      kind: 'lexical' as const,
      embed: async (texts: readonly string[]) => texts.map((text) => unit([...trigrams(text)])),
    };
    await db.close();
    db = await openStore({ embedders: [own] });
    await db.put(integration('one', model.url));
    const named = { embedder: own.id };
    const error = await runFailure(ask(TEA, { response_cache: { semantic: named } }));
    expect(error).toMatchObject({ code: 'INVALID_INTEGRATION' });
    await db.calibrateEmbedder(own.id, PAIRS, 0.9);
    const taken = { response_cache: { semantic: { ...named, verify: 0, lexical: true } } };
    await ask(TEA, taken);
    await ask(TEA_TOO, taken);
    expect(model.requests).toHaveLength(1);
  });

  it('that fails is on record, and the model is asked', async () => {
    await calibrated();
    embedder.play([status(500)]);
    expect(await ask(TEA)).toBe('On tea');
    expect((await audit('embed-call'))[0]).toMatchObject({ error: { code: 'MODEL_UNAVAILABLE' } });
  });

  it('that does not exist is named', async () => {
    const missing = { response_cache: { semantic: { embedder: 'embedder:none' } } };
    expect(await runFailure(ask(TEA, missing))).toMatchObject({ code: 'MISSING_DOCUMENT' });
  });

  it('is paid from the budgets of its stage', async () => {
    await db.put({ _id: 'budget:b', _type: 'budget', limits: { calls: 10 } });
    await ask(TEA, { ...rule(), budget: 'budget:b' });
    expect(await db.get('budget:b')).toMatchObject({
      spent: { calls: 2, tokens: TEA.length + 15 },
    });
  });

  it('whose pairs show no such precision serves nothing', async () => {
    const { threshold } = await db.calibrateEmbedder('embedder:words', PAIRS.slice(0, 9));
    expect(threshold).toBeUndefined();
    await ask(TEA);
    await ask(TEA_TOO);
    expect(model.requests).toHaveLength(2);
  });

  it.each([
    ['no size', { dims: 0 }, 'dims'],
    ['no model', { model: undefined }, 'model'],
    ['a secret in its address', { endpoint: 'http://me:secret@host/v1' }, 'endpoint'],
  ])('with %s is refused when it is written', async (_, fields, path) => {
    const { _rev, ...document } = (await db.get('embedder:words')) as { _rev: number };
    await expect(db.put({ ...document, ...fields } as never)).rejects.toMatchObject({ path });
  });
});
