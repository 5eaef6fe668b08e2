import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject } from '../../base/values.js';

/** How a pool chooses among the resources that could take a call. */
export const STRATEGIES = ['round_robin', 'weighted', 'least_busy', 'cheapest', 'fastest'] as const;

export type Strategy = (typeof STRATEGIES)[number];

/** Integrations or models that share rate limits. */
export interface Pool extends Document {
  readonly _type: 'resource_pool';
  readonly resources: readonly Resource[];
  /** One of `STRATEGIES`, or `transformer:…`, which picks. Default `round_robin`. */
  readonly allocation_strategy?: string;
  /** Calls that may wait; the next one is refused. Default 1,000. */
  readonly queue_max?: number;
  /** When a resource that fails is left alone, and for how long. */
  readonly circuit?: CircuitRule;
}

/** One place to send a call to, and what it takes. Other fields are an integration's. */
export type Resource = {
  readonly id: string;
  /** An integration document whose fields stand where the resource has none of its own. */
  readonly integration?: string;
  /** Calls a minute. Default: no limit. */
  readonly rate_limit?: number;
  /** Tokens a minute, input and output together. Default: no limit. */
  readonly tokens_per_minute?: number;
  /** Calls at once. Default: no limit. */
  readonly concurrency?: number;
  /** For `weighted`. Default 1. */
  readonly weight?: number;
  /** The longest request and answer that the model takes, in tokens. Default: any. */
  readonly context_tokens?: number;
  /** What the model cannot do, of `tools`, `schema`, `images`, `files`. Default: nothing. */
  readonly lacks?: readonly string[];
};

/** What limits a resource. */
export const LIMITS = ['rate_limit', 'tokens_per_minute', 'concurrency', 'weight'] as const;

export type CircuitRule = {
  /** Failures in a row that open it. Default 5. */
  readonly failures?: number;
  /** How long it stays open before one call may try, in milliseconds. Default 30,000. */
  readonly open_ms?: number;
};

export const CIRCUIT_DEFAULTS: Required<CircuitRule> = { failures: 5, open_ms: 30_000 };
export const QUEUE_MAX_DEFAULT = 1_000;

/**
 * Checks a pool document before it is written.
 *
 * @throws {JdbxError} INVALID_DOCUMENT with the path of the field
 */
export function checkPool(document: NewDocument): void {
  const { resources, allocation_strategy: strategy, queue_max, circuit } = document;
  if (!Array.isArray(resources) || resources.length === 0) {
    refuse('resources', `expected a list of resources, got ${describeType(resources)}`);
  }
  const ids = resources.map((resource, index) => checkResource(resource, `resources.${index}`));
  const twice = ids.find((id, index) => ids.indexOf(id) < index);
  if (twice !== undefined) refuse('resources', `expected each id once, got "${twice}" twice`);
  if (strategy !== undefined) checkStrategy(strategy);
  checkCount(queue_max, 'queue_max');
  if (circuit === undefined) return;
  if (!isPlainObject(circuit))
    refuse('circuit', `expected an object, got ${describeType(circuit)}`);
  checkCount((circuit as CircuitRule).failures, 'circuit.failures');
  checkCount((circuit as CircuitRule).open_ms, 'circuit.open_ms');
}

function checkResource(resource: unknown, path: string): string {
  if (!isPlainObject(resource))
    return refuse(path, `expected an object, got ${describeType(resource)}`);
  const { id, integration, provider, lacks } = resource;
  if (typeof id !== 'string' || id === '') return refuse(`${path}.id`, 'expected a name');
  if (typeof integration !== 'string' && typeof provider !== 'string') {
    refuse(path, 'expected an integration, or a provider with what it needs');
  }
  for (const field of [
    'rate_limit',
    'tokens_per_minute',
    'concurrency',
    'context_tokens',
  ] as const) {
    checkCount(resource[field], `${path}.${field}`);
  }
  if (resource.weight !== undefined && !((resource.weight as number) > 0)) {
    refuse(`${path}.weight`, 'expected a number above 0');
  }
  if (lacks !== undefined && !Array.isArray(lacks))
    refuse(`${path}.lacks`, 'expected a list of names');
  return id;
}

function checkStrategy(strategy: unknown): void {
  const isKnown = STRATEGIES.some((known) => known === strategy);
  if (isKnown || (typeof strategy === 'string' && strategy.includes(':'))) return;
  refuse('allocation_strategy', `expected ${STRATEGIES.join(', ')} or the id of a transformer`);
}

function checkCount(count: unknown, path: string): void {
  if (count === undefined || (Number.isInteger(count) && (count as number) > 0)) return;
  refuse(path, 'expected an integer of at least 1');
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path });
}
