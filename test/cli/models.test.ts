/** The commands for prices and secrets, as processes of their own. */
import { randomBytes } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { isJdbxError, open } from '#jdbx/index.js';
import { unseal } from '#jdbx/llm/sealing.js';
import { Place } from './support.js';

const place = new Place();
afterAll(() => place[Symbol.dispose]());
const SECRET = 'sk-a-secret-of-the-test';

it('imports prices once, dated, and says what there is', async () => {
  const { code, out } = await place.run(['prices', 'anthropic', '--json']);
  expect(code).toBe(0);
  const first = JSON.parse(out);
  expect(first.written).toBeGreaterThan(5);
  const again = JSON.parse((await place.run(['prices', 'anthropic', '--json'])).out);
  expect(again).toMatchObject({ written: 0, unchanged: first.written });
  const db = await open(place.store, { env: {}, resume: false });
  const price = await db.query({ _type: 'price' }).first();
  expect(price).toMatchObject({ provider: 'anthropic', imported_at: first.imported_at });
  await db.close();
});

it('leaves a price alone that somebody else wrote, and says so', async () => {
  const _id = 'price:anthropic/claude-sonnet-4-5';
  const own = { _id, _type: 'price', provider: 'anthropic', model: 'claude-sonnet-4-5' };
  const db = await open(place.store, { env: {}, resume: false });
  await db.put({ ...own, prices: [{ input_per_million: 1, output_per_million: 2 }] });
  await db.close();
  const { code, out } = await place.run(['prices', 'anthropic', '--json']);
  expect([code, JSON.parse(out)]).toEqual([
    0,
    expect.objectContaining({ written: 0, kept: [_id] }),
  ]);
  const after = await open(place.store, { env: {}, resume: false });
  expect(await after.get(_id)).toMatchObject({ prices: [{ input_per_million: 1 }] });
  await after.close();
  // What has no price for tokens is named, not passed over.
  expect(JSON.parse((await place.run(['prices', 'openai', '--json'])).out)).toMatchObject({
    left_out: expect.arrayContaining(['price:openai/whisper-1']),
  });
});

it('refuses a provider that nobody knows', async () => {
  const { code, err } = await place.run(['prices', 'nobody']);
  expect(code).not.toBe(0);
  expect(err).toContain('MISSING_DOCUMENT');
});

it('seals a secret from the standard input with the key in the environment', async () => {
  const key = randomBytes(32);
  process.env.JDBX_SEAL_KEY = key.toString('base64');
  try {
    const { code, out, err } = await place.run(['seal', 'cred:one'], `${SECRET}\n`);
    expect(code).toBe(0);
    expect(out + err).not.toContain(SECRET);
    const printed = JSON.parse((await place.run(['seal', 'cred:two', '--print'], SECRET)).out);
    expect(unseal(printed.sealed, 'cred:two', key)).toBe(SECRET);
  } finally {
    delete process.env.JDBX_SEAL_KEY;
  }
  const db = await open(place.store, { env: {}, resume: false });
  const stored = (await db.get('cred:one')) as never as { sealed: Parameters<typeof unseal>[0] };
  await db.close();
  expect(unseal(stored.sealed, 'cred:one', key)).toBe(SECRET);
  expect(JSON.stringify(stored)).not.toContain(SECRET);
  try {
    unseal(stored.sealed, 'cred:two', key);
    expect.unreachable();
  } catch (error) {
    expect(isJdbxError(error, 'CREDENTIAL_MISSING')).toBe(true);
  }
});

it('needs a key of 32 bytes, and a secret', async () => {
  expect(await place.run(['seal', 'cred:x'], SECRET)).toMatchObject({ code: 2 });
  process.env.JDBX_SEAL_KEY = 'c2hvcnQ=';
  try {
    const { code, err } = await place.run(['seal', 'cred:x'], SECRET);
    expect(code).toBe(2);
    expect(err).not.toContain('c2hvcnQ=');
    process.env.JDBX_SEAL_KEY = randomBytes(32).toString('hex');
    expect(await place.run(['seal', 'cred:x'], '')).toMatchObject({ code: 2 });
  } finally {
    delete process.env.JDBX_SEAL_KEY;
  }
});
