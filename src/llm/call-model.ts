import type { Clock } from '../base/clock.js';
import { JdbxError } from '../base/errors.js';
import { takeValue } from '../base/values.js';
import type { Purse } from './budgets/purse.js';
import { Calling, type CallListeners } from './calling.js';
import type {
  ModelAttempt,
  ModelCallResult,
  ModelEvent,
  ModelRequest,
  Price,
  Provider,
  ProviderCall,
} from './contract.js';
import type { Providers } from './create-providers.js';
import { resolveSecret, type SecretSources } from './credentials.js';
import { type ReadIntegration, readIntegration } from './integration.js';
import { payFor } from './pay-for.js';
import { requestHash } from './request-hash.js';
import type { Sleep } from './sleep.js';

export interface ModelCallerDeps {
  readonly providers: Providers;
  /** Finds a credential document by its `_id`. */
  readonly credentials: (ref: string) => Promise<unknown>;
  readonly secrets: SecretSources;
  /** Finds what a model costs, for integrations that do not say. Default: nothing is known. */
  readonly findPrice?:
    | ((provider: string, model: string) => Promise<Price | undefined>)
    | undefined;
  readonly clock: Clock;
  /** A number in [0, 1), as `Math.random()` gives; it spreads the waits between attempts. */
  readonly random: () => number;
  readonly sleep?: Sleep;
}

export interface ModelCallInput {
  /** The integration document. */
  readonly integration: unknown;
  /**
   * An empty `model` means the integration's own; settings are final. A frozen one is sent as it
   * is, so `takeValue` has to have made all of it; of another one a copy is.
   */
  readonly request: ModelRequest;
  /** Of `request`, where it is known already. */
  readonly requestHash?: string | undefined;
  /** Equal for every call that stands for the same effect, also after a crash. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  /** Told each attempt as it ends, also one that was aborted. */
  readonly onAttempt?: ((attempt: ModelAttempt) => void) | undefined;
  /**
   * Asks for the answer in pieces, and is told each as it comes, with the number of the attempt.
   * An attempt that failed after some pieces is followed by another from the beginning: a higher
   * number means that the pieces before it are void.
   */
  readonly onEvent?: ((event: ModelEvent, attempt: number) => void) | undefined;
  /** Told when the provider says that a limit is used up, and for how many milliseconds. */
  readonly onUsedUp?: ((ms: number) => void) | undefined;
  /** Asked after an attempt that failed, beside the retry strategy. Default: always true. */
  readonly mayRetry?: (() => boolean) | undefined;
  /** What the call is paid from. Default: nothing bounds it. */
  readonly purse?: Purse | undefined;
}

export interface ModelCaller {
  /**
   * Calls a model: resolves provider and secret, makes attempts until one
   * succeeds or the integration's retries are used up, and accounts for each.
   * The secret is in nothing that comes out.
   *
   * @throws {JdbxError} INVALID_INTEGRATION, CREDENTIAL_MISSING, BUDGET_EXCEEDED, PRICE_MISSING; or the last attempt's error
   * (see `Provider.generate`), its `details.attempts` being the list of all `ModelAttempt`s; or
   * the abort reason of `signal`
   */
  call(input: ModelCallInput): Promise<ModelCallResult>;
  /**
   * What a call of an integration's own model costs now, where that is known.
   *
   * @throws {JdbxError} INVALID_INTEGRATION
   */
  priceOf(integration: unknown): Promise<Price | undefined>;
}

export function createModelCaller(deps: ModelCallerDeps): ModelCaller {
  return {
    priceOf: (document) => {
      const integration = readIntegration(document, deps.providers);
      return findPrice(integration, integration.model ?? integration.models?.[0] ?? '', deps);
    },
    call: async (input) => {
      const integration = readIntegration(input.integration, deps.providers);
      const provider = deps.providers.get(integration.provider) as Provider;
      // Both are waited for only where somebody has to look.
      const isSecret = !provider.local && hasSecret(integration);
      const secret = isSecret ? await findSecret(integration, deps) : undefined;
      const request = completeRequest(input.request, integration, provider);
      const price = integration.price ?? (await findPrice(integration, request.model, deps));
      const { idempotencyKey, signal, onAttempt, onEvent, onUsedUp, mayRetry, purse } = input;
      const call = { request, integration, secret, idempotencyKey, signal, onUsedUp };
      const make = (made: ProviderCall, listeners: CallListeners) =>
        new Calling({ provider, call: made, price, deps, listeners, hash: hashOf(made) }).run();
      const listeners = { onAttempt, onEvent, mayRetry };
      const hashOf = (made: ProviderCall) =>
        (made.request === input.request && input.requestHash) || requestHash(made.request);
      if (!purse) return await make(call, listeners);
      return await payFor(
        { call, price, purse, isLocal: provider.local ?? false, listeners },
        make,
      );
    },
  };
}

function hasSecret({ credentials_ref: ref, auth_type }: ReadIntegration): boolean {
  return ref !== undefined && auth_type !== 'none';
}

async function findSecret(
  { credentials_ref: ref = '' }: ReadIntegration,
  { credentials, secrets }: ModelCallerDeps,
): Promise<string> {
  return resolveSecret(await credentials(ref), ref, secrets);
}

async function findPrice(
  { provider, price, priced_as = provider }: ReadIntegration,
  model: string,
  deps: ModelCallerDeps,
): Promise<Price | undefined> {
  return price ?? deps.findPrice?.(priced_as, model);
}

/** Frozen, with the model filled in, so that every attempt sends the same request. */
function completeRequest(
  request: ModelRequest,
  integration: ReadIntegration,
  provider: Provider,
): ModelRequest {
  const named = request.model || integration.model || integration.models?.[0];
  const model = named || (provider.local ? provider.name : undefined);
  if (model === undefined) {
    const text = `expected a model in ${integration._id} or in the request, got none`;
    throw new JdbxError('INVALID_INTEGRATION', text, { path: 'model' });
  }
  if (request.model === model && Object.isFrozen(request)) return request;
  return takeValue({ ...request, model }) as unknown as ModelRequest;
}
