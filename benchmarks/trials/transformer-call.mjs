import { resolveLimits } from '#jdbx/sandbox/limits.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { repeat } from '../measure.mjs';

/** One call of a short function in the sandbox, from a clean state, with the worker warm. */
export async function run() {
  const sandbox = createSandbox({ workers: 2 });
  const { medianUs } = await repeat((n) =>
    sandbox.call({
      name: 'transformer:short',
      code: 'function transform(input) { return { what: input.what, length: input.what.length }; }',
      args: [{ what: 'yes' }],
      host: {},
      limits: resolveLimits(),
      now: 0,
      seed: String(n),
    }),
  );
  await sandbox.close();
  return { 'transformer call, clean': { value: medianUs, unit: 'µs' } };
}
