import type { Clock } from './base/clock.js';
import type { Document } from './base/document.js';
import { JdbxError } from './base/errors.js';
import { isPlainObject } from './base/values.js';
import type { Transform } from './llm/providers/custom/custom.js';
import type { FindDocument, GuestCodes } from './pipelines/guests/guest-codes.js';
import type { Sandbox } from './sandbox/contract.js';
import { resolveLimits } from './sandbox/limits.js';

/** Runs the transformers of custom providers in the sandbox: a value in, a value out, and nothing else. */
export function transformWith(
  sandbox: Sandbox,
  codes: GuestCodes,
  find: FindDocument,
  clock: Clock,
): Transform {
  return async (document, input, { idempotencyKey, signal }) => {
    if (!isPlainObject(document)) {
      throw new JdbxError('INVALID_INTEGRATION', `expected a transformer, got ${String(document)}`);
    }
    const { _id, entry, limits } = document;
    const coded = document as unknown as Document;
    const code = codes.javascript(coded, 'code');
    const { value } = await sandbox.call({
      name: String(_id),
      code,
      imports: codes.link(coded, 'code', find),
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
