import type { Document } from '../../base/document.js';
import { isJdbxError, JdbxError } from '../../base/errors.js';
import { describeType, type ValueObject } from '../../base/values.js';
import type { ModelRequest, Price } from '../../llm/contract.js';
import type { PoolNeed } from '../../llm/pools/abilities.js';
import { LIMITS, type Pool, type Resource } from '../../llm/pools/pool-document.js';
import type { Lease } from '../../llm/pools/pools.js';
import type { Slot } from '../../llm/responses/responses.js';
import type { StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';
import { buildRequest, readSaid, type Said } from './build-request.js';
import { needOf } from './call-need.js';
import { hasHook } from './integration-hooks.js';
import { slotFor } from './response-slot.js';
import type { Target, Targets } from './target.js';

/**
 * The resources of a pool, each when it is free and its limits allow, and none twice for
 * one call.
 */
export function poolTargets(
  work: StageWork,
  document: Document,
  said: Said,
): Targets | Promise<Targets> {
  // What cannot be said takes nobody's place.
  readSaid(work, said);
  const pool = standing(work, document as Pool);
  const need = needOf(() => buildRequest(work, document, said));
  const isReady = !(pool instanceof Promise || need instanceof Promise || isPicked(pool));
  return isReady
    ? new PoolTargets({ work, said, pool, need })
    : lateTargets(work, said, pool, need);
}

async function lateTargets(
  work: StageWork,
  said: Said,
  standing: Pool | Promise<Pool>,
  needed: PoolNeed | Promise<PoolNeed>,
): Promise<Targets> {
  const [pool, need] = [await standing, await needed];
  const first = isPicked(pool) ? await picked(work, pool, need) : undefined;
  return new PoolTargets({ work, said, pool, need, first });
}

interface Choice {
  readonly work: StageWork;
  readonly said: Said;
  readonly pool: Pool;
  readonly need: PoolNeed;
  /** The resource that a transformer picked. */
  readonly first?: string | undefined;
}

class PoolTargets implements Targets {
  readonly #choice: Choice;
  /** Those that were tried. */
  readonly #exclude = new Set<string>();
  /** Requests that were made to look whether their answers are kept. */
  readonly #made = new Map<Resource, Made>();

  constructor(choice: Choice) {
    this.#choice = choice;
  }

  next(signal = this.#choice.work.signal): Target | undefined | Promise<Target | undefined> {
    const { work, pool, need, first } = this.#choice;
    const kept = this.#exclude.size === 0 ? this.#kept() : undefined;
    if (kept) return kept;
    const { pools, priority } = work.run;
    const input = { pool, need, exclude: this.#exclude, first, priority, signal };
    if (this.#exclude.size > 0) return this.#another(() => pools.acquire(input));
    const lease = pools.acquire(input);
    return lease instanceof Promise ? lease.then((one) => this.#of(one)) : this.#of(lease);
  }

  /** The error of the last resource that was tried says more than that there is no other. */
  async #another(acquire: () => Lease | Promise<Lease>): Promise<Target | undefined> {
    try {
      return this.#of(await acquire());
    } catch (error) {
      if (isJdbxError(error, 'POOL_EXHAUSTED')) return undefined;
      throw error;
    }
  }

  #of({ resource, release }: Lease): Target {
    const { work, pool } = this.#choice;
    this.#exclude.add(resource.id);
    const made = this.#made.get(resource);
    const integration = made?.integration ?? integrationOf(work, pool, resource);
    return { integration, ...asked(pool, resource, made), ended: release };
  }

  /** A resource whose answer is kept already: it is not asked, so it need not be free. */
  #kept(): Target | undefined {
    const { work, pool, said } = this.#choice;
    for (const resource of pool.resources) {
      const integration = integrationOf(work, pool, resource);
      // What a transformer makes of the request is known when it is made.
      const keeps = work.stage.response_cache ?? integration.response_cache;
      if (!keeps || hasHook(integration, 'request_transformer')) continue;
      const request = buildRequest(work, integration, said);
      const slot = slotFor(work, integration, request);
      const made = { integration, request, slot };
      this.#made.set(resource, made);
      if (!slot || !work.run.responses.stored(slot, work.run.now())) continue;
      return { integration, ...asked(pool, resource, made) };
    }
    return undefined;
  }
}

interface Made {
  readonly integration: Document;
  readonly request: ModelRequest;
  readonly slot: Slot | undefined;
}

function asked(pool: Pool, resource: Resource, made: Made | undefined) {
  const facts = { pool: pool._id, resource: resource.id };
  return { request: made?.request, slot: made?.slot, facts };
}

/** Fields of an integration that its pool goes by where the resource has none of its own. */
const TAKEN = ['context_tokens', 'lacks', 'price', ...LIMITS] as const;

/** The pool with what its resources name: what those say stands where it says nothing itself. */
function standing(work: StageWork, pool: Pool): Pool | Promise<Pool> {
  if (pool.allocation_strategy === 'cheapest') return priced(work, pool);
  if (pool.resources.every(({ integration }) => integration === undefined)) return pool;
  const resources = pool.resources.map((resource) =>
    withTaken(resource, integrationOf(work, pool, resource), undefined),
  );
  const known = POOLS.get(pool);
  if (known?.resources.every((resource, at) => resource === resources[at])) return known;
  const made = { ...pool, resources };
  POOLS.set(pool, made);
  return made;
}

const POOLS = new WeakMap<Pool, Pool>();

async function priced(work: StageWork, pool: Pool): Promise<Pool> {
  const resources = pool.resources.map(async (resource) => {
    const integration = integrationOf(work, pool, resource);
    return withTaken(resource, integration, await work.run.models.priceOf(integration));
  });
  return { ...pool, resources: await Promise.all(resources) };
}

function withTaken(resource: Resource, integration: Document, price: Price | undefined): Resource {
  const known = STANDING.get(integration);
  if (known && known.price === price) return known.taken;
  const fields = TAKEN.filter((field) => integration[field] !== undefined);
  const own = Object.fromEntries(fields.map((field) => [field, integration[field]]));
  const taken = { ...resource, ...own, ...(price === undefined ? {} : { price }) } as Resource;
  STANDING.set(integration, { taken, price });
  // What a call goes to is the same document, as if nothing had been added.
  const base = MADE.get(resource);
  if (base) MADE.set(taken, base);
  return taken;
}

const STANDING = new WeakMap<
  Document,
  { readonly taken: Resource; readonly price: Price | undefined }
>();

/** A resource as an integration document: what it says itself goes over what it names. */
function integrationOf(work: StageWork, pool: Pool, resource: Resource): Document {
  const named = resource.integration;
  const base = named === undefined ? undefined : work.run.definitions.get(named);
  const known = MADE.get(resource);
  if (known && known.base === base) return known.made;
  const { integration: _, ...own } = resource;
  const standing = { _id: `${pool._id}/${resource.id}`, _type: 'integration', _rev: pool._rev };
  const made = Object.freeze(Object.assign({}, standing, own, base, withoutId(own))) as Document;
  MADE.set(resource, { base, made });
  return made;
}

/** What is made of a document that cannot change is made once. */
const MADE = new WeakMap<
  Resource,
  { readonly base: Document | undefined; readonly made: Document }
>();

function withoutId({ id: _, ...fields }: Omit<Resource, 'integration'>): ValueObject {
  return fields as ValueObject;
}

/** True when the pool's strategy is a transformer. */
function isPicked({ allocation_strategy: strategy }: Pool): boolean {
  return strategy?.includes(':') === true;
}

/** What a transformer picks. */
async function picked(work: StageWork, pool: Pool, need: PoolNeed): Promise<string> {
  const { allocation_strategy: strategy = '' } = pool;
  const document = work.run.definitions.get(strategy);
  const resources = pool.resources.map((resource) => ({
    ...resource,
    state: work.run.pools.stateOf(pool._id, resource.id) ?? null,
  }));
  const { tokens, features } = need;
  const input = { tokens, features, resources } as unknown as ValueObject;
  const { value } = await callGuest(work, { document, field: 'code', input });
  const id = typeof value === 'string' ? value : undefined;
  if (id !== undefined && pool.resources.some((resource) => resource.id === id)) return id;
  const text = `expected the id of a resource from ${strategy}, got ${id ?? describeType(value)}`;
  throw new JdbxError('GUEST_OUTPUT', text);
}
