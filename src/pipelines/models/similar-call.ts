import { isDeepStrictEqual } from 'node:util';
import { isJdbxError } from '../../base/errors.js';
import type { Value, ValueObject } from '../../base/values.js';
import { inputTokens, loadTokenCounter } from '../../llm/budgets/token-counter.js';
import type { ResponseCacheRule, SemanticRule } from '../../llm/contract.js';
import type { Embedder } from '../../llm/embeddings/embedder.js';
import type { Kept, Slot } from '../../llm/responses/responses.js';
import { type Neighbour, type Question, questionOf } from '../../llm/semantic/semantic-cache.js';
import type { StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';
import type { ModelCall } from './model-call.js';
import { purseFor } from './purse.js';

/** Of the answers that are given for another question, this share is asked for all the same. */
const VERIFY_DEFAULT = 0.05;

/** A question, what is kept for the one next to it, and whether that may be given. */
export interface Similar {
  readonly rule: SemanticRule;
  readonly embedder: Embedder;
  readonly question: Question;
  readonly neighbour: Neighbour;
  /** The kept answer of the nearest question, if it is still there. */
  readonly kept: Kept | undefined;
  readonly slot: Slot;
}

/**
 * Looks for a kept answer to a question that means the same, where the stage or the integration
 * says so. An embedder that fails is on record, and then there is none: a cache is no reason
 * for a call to fail. Undefined at once where nobody says so.
 */
export function findSimilar(
  work: StageWork,
  call: ModelCall,
  slot: Slot,
): Promise<Similar | undefined> | undefined {
  const rule = ruleOf(work, call);
  return rule && similarBy(rule, work, call, slot);
}

async function similarBy(
  rule: SemanticRule,
  work: StageWork,
  call: ModelCall,
  slot: Slot,
): Promise<Similar | undefined> {
  const { semantic, responses } = work.run;
  const embedder = semantic.embedder(rule);
  const question = questionOf(call.integration, call.request, embedder);
  const vector = question && (await embedded(work, embedder, question.text));
  if (!question || !vector) return undefined;
  const neighbour = await semantic.find(embedder, question, vector);
  const { nearest } = neighbour;
  const nearby = { ...slot, id: nearest?.entry.from ?? '' };
  const kept = nearest && responses.stored(nearby, work.run.now());
  if (nearest && !kept) work.leave(semantic.forget(nearest.entry._id));
  return { rule, embedder, question, neighbour, kept, slot: nearby };
}

/** True where the kept answer is to be given, and not to be checked this time. */
export function isGiven({ rule, neighbour, kept }: Similar, requestHash: string): boolean {
  if (!kept || !neighbour.isTrusted || rule.shadow === true) return false;
  // By the request's hash, so that a stage that runs again does the same.
  const chance = Number.parseInt(requestHash.slice(0, 8), 16) / 2 ** 32;
  return chance >= (rule.verify ?? VERIFY_DEFAULT);
}

/** What the audit trail says of an answer that was given for another question. */
export function likeness({ embedder, neighbour: { nearest } }: Similar): ValueObject {
  return { embedder: embedder.id, ...(nearest ? nearestFacts(nearest) : {}) };
}

/**
 * Keeps the question with its fresh answer, and writes down whether the nearest one's answer
 * would have been the same.
 */
export async function learnFrom(
  work: StageWork,
  similar: Similar,
  { response }: Kept,
  from: string,
): Promise<void> {
  const { semantic } = work.run;
  const { question, neighbour, kept } = similar;
  const { nearest, vector, isTrusted } = neighbour;
  if (nearest && kept) {
    const agreed = await agree(work, similar, kept.response, response);
    work.note({
      kind: 'semantic-check',
      ...placeOf(work),
      ...likeness(similar),
      from: nearest.entry.from,
      would_serve: isTrusted,
      agreed,
    });
    work.leave(semantic.learn(nearest.entry._id, nearest.similarity, agreed));
  }
  work.leave(semantic.keep(question, vector, from));
}

function ruleOf({ stage }: StageWork, { integration }: ModelCall): SemanticRule | undefined {
  const rule = stage.response_cache ?? integration.response_cache;
  return typeof rule === 'object' ? (rule as ResponseCacheRule).semantic : undefined;
}

async function embedded(
  work: StageWork,
  embedder: Embedder,
  text: string,
): Promise<Float32Array | undefined> {
  const { run, signal } = work;
  const message = { role: 'user' as const, content: text };
  const request = { model: '', messages: [message], settings: {} };
  const input_tokens = inputTokens(request, await loadTokenCounter());
  const { price } = embedder;
  const paid = await purseFor(work)?.reserve({ input_tokens, output_tokens: 1, price });
  const startedAt = run.now();
  let tokens: number | undefined;
  const note = (outcome: ValueObject) => {
    const used = tokens ?? input_tokens;
    const cost = price && { cost_usd: (used * price.input_per_million) / 1_000_000 };
    const time_ms = Math.max(0, run.now() - startedAt);
    paid?.spent({ tokens: used, calls: 1, time_ms, ...cost });
    const usage = tokens === undefined ? {} : { input_tokens: tokens };
    const started_at = new Date(startedAt).toISOString();
    const facts = { embedder: embedder.id, usage, ...cost, started_at, latency_ms: time_ms };
    work.note({ kind: 'embed-call', ...placeOf(work), ...facts, ...outcome });
  };
  try {
    const onTokens = (count: number) => {
      tokens = (tokens ?? 0) + count;
    };
    const [vector] = await embedder.embed([text], { purpose: 'query', signal, onTokens });
    note({});
    return vector;
  } catch (error) {
    const code = isJdbxError(error) ? error.code : 'UNKNOWN';
    note({ error: { code, message: error instanceof Error ? error.message : String(error) } });
    if (signal.aborted) throw error;
    return undefined;
  }
}

async function agree(
  work: StageWork,
  { rule, question }: Similar,
  kept: ValueObject,
  fresh: ValueObject,
): Promise<boolean> {
  if (rule.judge === undefined) return isDeepStrictEqual(saidIn(kept), saidIn(fresh));
  const document = work.run.definitions.get(rule.judge);
  const input = { question: question.text, kept, fresh };
  const { value } = await callGuest(work, { document, field: 'code', input });
  return value === true;
}

/** The JSON of an answer, or its words whatever their case and the spaces between them. */
function saidIn({ text }: ValueObject): Value {
  const said = String(text ?? '').trim();
  try {
    return JSON.parse(said);
  } catch {
    return said.toLowerCase().split(/\s+/).join(' ');
  }
}

function nearestFacts({ entry, similarity }: NonNullable<Neighbour['nearest']>): ValueObject {
  return { entry: entry._id, similarity };
}

function placeOf({ run, path }: StageWork): ValueObject {
  return { run: run.id, pipeline: run.pipelineId, path };
}
