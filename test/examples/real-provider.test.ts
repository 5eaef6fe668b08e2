/** With a key in the environment the examples ask its provider, here one on loopback, and say so. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answer, FaultServer } from '../support/fault-server.js';
import { withoutKeys } from '../support/without-keys.js';

const KEY = 'sk-canary-of-the-examples';
let server: FaultServer;
beforeAll(async () => {
  const text = 'So:\n```js\nfunction real() {}\n```\nA: 19';
  const choices = [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
  const usage = { prompt_tokens: 12, completion_tokens: 8 };
  server = await FaultServer.start([answer({ model: 'm', choices, usage })]);
});
afterAll(() => server.close());

async function run(file: string, env: Record<string, string>, ...args: string[]) {
  const cwd = fileURLToPath(new URL('../../', import.meta.url));
  const options = { cwd, env: withoutKeys(env) };
  server.requests.length = 0;
  return promisify(execFile)(process.execPath, [`examples/${file}`, ...args], options);
}

it.each([
  ['gsm8k/main.mjs', ['--limit', '3', '--real', '2'], 2, /m-1 +2 +1 +50.00 % +\(not in it\) +40/],
  ['seed/main.mjs', [], 3, /function real\(\) \{\}/],
  ['stages/integration.mjs', [], 1, /A: 19/],
])(
  '%s asks the provider whose key there is',
  async (file, args, calls, shown) => {
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_MODEL: 'm-1' };
    const { stdout, stderr } = await run(file, env, ...args);
    expect(stderr).toBe('');
    expect(stdout).toContain(
      `Asks m-1 of openai at ${server.url}/v1, with the key in OPENAI_API_KEY.`,
    );
    expect(stdout).toMatch(shown);
    expect(stdout).not.toContain(KEY);
    expect(server.requests).toHaveLength(calls);
    for (const { headers, body } of server.requests) {
      expect([headers.authorization, body.model]).toEqual([`Bearer ${KEY}`, 'm-1']);
    }
  },
  60_000,
);

it('says so where there is none, and asks nobody', async () => {
  const { stdout } = await run('gsm8k/main.mjs', {}, '--limit', '1');
  expect(stdout).toContain('No key in OPENAI_API_KEY');
  const off = await run('gsm8k/main.mjs', { OPENAI_API_KEY: KEY }, '--limit', '1', '--real', '0');
  expect(off.stdout).toContain('answers without a network');
  expect(server.requests).toHaveLength(0);
}, 60_000);
