import type { Document } from '../../base/document.js';
import { isJdbxError, JdbxError } from '../../base/errors.js';
import { describeType, type ValueObject } from '../../base/values.js';
import type { ModelRequest, Price } from '../../llm/contract.js';
import type { PoolNeed } from '../../llm/pools/abilities.js';
import { LIMITS, type Pool, type Resource } from '../../llm/pools/pool-document.js';
import type { Lease } from '../../llm/pools/pools.js';
import type { StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';
import { isCustom } from '../pins.js';
import { buildRequest, type Said } from './build-request.js';
import { needOf } from './call-need.js';
import { slotFor } from './response-slot.js';
import type { Target, Targets } from './target.js';

/**
 * The resources of a pool, each when it is free and its limits allow, and none twice for
 * one call.
 */
export async function poolTargets(
  work: StageWork,
  document: Document,
  said: Said,
): Promise<Targets> {
  const pool = await standing(work, document as Pool);
  const need = await needOf(buildRequest(work, document, said));
  const first = await picked(work, pool, need);
  const exclude = new Set<string>();
  const requests: Requests = new Map();
  const next = async (signal = work.signal): Promise<Target | undefined> => {
    const { pools, priority } = work.run;
    const kept = exclude.size === 0 ? keptTarget(work, pool, said, requests) : undefined;
    if (kept) return kept;
    try {
      const lease = await pools.acquire({ pool, need, exclude, first, priority, signal });
      exclude.add(lease.resource.id);
      return targetOf(work, pool, lease, requests);
    } catch (error) {
      // The error of the last resource that was tried says more.
      if (exclude.size > 0 && isJdbxError(error, 'POOL_EXHAUSTED')) return undefined;
      throw error;
    }
  };
  return { next };
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

/** Requests that were made to look whether their answers are kept. */
type Requests = Map<Resource, ModelRequest>;

function targetOf(work: StageWork, pool: Pool, lease: Lease, requests: Requests): Target {
  const { resource, release } = lease;
  const integration = integrationOf(work, pool, resource);
  const facts = { pool: pool._id, resource: resource.id };
  return { integration, request: requests.get(resource), facts, ended: release };
}

/** A resource whose answer is kept already: it is not asked, so it need not be free. */
function keptTarget(
  work: StageWork,
  pool: Pool,
  said: Said,
  requests: Requests,
): Target | undefined {
  for (const resource of pool.resources) {
    const integration = integrationOf(work, pool, resource);
    // What a transformer makes of the request is known when it is made.
    const isPlain = integration.request_transformer === undefined || isCustom(integration);
    const keeps = work.stage.response_cache ?? integration.response_cache;
    if (!isPlain || !keeps) continue;
    const request = buildRequest(work, integration, said);
    requests.set(resource, request);
    const slot = slotFor(work, integration, request);
    if (!slot || !work.run.responses.stored(slot, work.run.now())) continue;
    return { integration, request, facts: { pool: pool._id, resource: resource.id } };
  }
  return undefined;
}

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

/** What a transformer picks, when the pool's strategy is one. */
async function picked(work: StageWork, pool: Pool, need: PoolNeed): Promise<string | undefined> {
  const { allocation_strategy: strategy = '' } = pool;
  if (!strategy.includes(':')) return undefined;
  const document = work.run.definitions.get(strategy);
  const resources = pool.resources.map((resource) => ({
    ...resource,
    state: work.run.pools.stateOf(pool._id, resource.id) ?? null,
  }));
  const input = { ...need, resources } as unknown as ValueObject;
  const { value } = await callGuest(work, { document, field: 'code', input });
  const id = typeof value === 'string' ? value : undefined;
  if (id !== undefined && pool.resources.some((resource) => resource.id === id)) return id;
  const text = `expected the id of a resource from ${strategy}, got ${id ?? describeType(value)}`;
  throw new JdbxError('GUEST_OUTPUT', text);
}
