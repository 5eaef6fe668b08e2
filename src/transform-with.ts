import type { Clock } from './base/clock.js';
import { JdbxError } from './base/errors.js';
import { isPlainObject } from './base/values.js';
import type { Transform } from './llm/providers/custom/custom.js';
import type { Sandbox } from './sandbox/contract.js';
import { resolveLimits } from './sandbox/limits.js';

/** Runs the transformers of custom providers in the sandbox: a value in, a value out, and nothing else. */
export function transformWith(sandbox: Sandbox, clock: Clock): Transform {
  return async (document, input, { idempotencyKey, signal }) => {
    const { _id, code, entry, limits } = isPlainObject(document) ? document : {};
    if (typeof code !== 'string') {
      throw new JdbxError('INVALID_INTEGRATION', `expected a transformer, got ${String(document)}`);
    }
    const { value } = await sandbox.call({
      name: String(_id),
      code,
      entry: entry as string | undefined,
      args: [input],
      host: {},
      limits: resolveLimits(limits),
      now: clock.now(),
      seed: idempotencyKey,
      signal,
    });
    return value;
  };
}
