import vm from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { guestValue } from './guest.js';
import { CHECKS } from './language/checks.js';

const sandbox = createSandbox({ workers: 2 });
const failed: string[] = [];
const all = Object.values(CHECKS).flat();

afterAll(async () => {
  await sandbox.close();
  const passed = all.length - failed.length;
  const rate = ((100 * passed) / all.length).toFixed(1);
  console.log(`language: ${passed} of ${all.length} checks pass (${rate} %)`);
});

/** As text, so that undefined, holes and -0 are told apart from others. */
const program = (expression: string) => `
  const show = (value) => JSON.stringify([value], (key, item) => item === undefined ? '<undefined>'
    : typeof item === 'number' && !Number.isFinite(item) ? '<' + item + '>' : item);
  async function f() { return show(await (${expression})) }`;

async function inHost(expression: string): Promise<string> {
  const context = vm.createContext({});
  return (await vm.runInContext(`${program(expression)}; f()`, context)) as string;
}

describe.each(Object.entries(CHECKS))('%s', (_, expressions) => {
  test.each(expressions)('%s', async (expression) => {
    const expected = await inHost(expression);
    const given = await guestValue(sandbox, program(expression)).catch(String);
    if (given !== expected) failed.push(expression);
    expect(given).toBe(expected);
  });
});
