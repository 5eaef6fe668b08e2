import { join } from 'node:path';
import { EventEmitter } from 'eventemitter3';
import { nanoid } from 'nanoid';
import { type Clock, systemClock } from './base/clock.js';
import type { Closers } from './base/disposal.js';
import type { Document } from './base/document.js';
import { DocumentCache } from './documents/cache.js';
import type { Database } from './documents/database.js';
import type { RetainReport } from './documents/retention/contract.js';
import { Store } from './documents/store.js';
import { indexKind } from './indexes/create-index.js';
import { Jobs } from './jobs/jobs.js';
import { Reservations } from './llm/budgets/reservations.js';
import { createModelCaller, type ModelCaller } from './llm/call-model.js';
import { Hold } from './llm/counting/hold.js';
import { createProviders } from './llm/create-providers.js';
import { Embedders } from './llm/embeddings/embedders.js';
import { Pools } from './llm/pools/pools.js';
import { Responses } from './llm/responses/responses.js';
import { SemanticCache } from './llm/semantic/semantic-cache.js';
import { Transport } from './llm/transport/transport.js';
import {
  chooseTokenCounter,
  findPriceIn,
  findRecordingIn,
  isSettledIn,
  newestEntriesIn,
  oldestResponsesIn,
  ownPrice,
  responseBytesIn,
} from './model-sources.js';
import { OPEN_DEFAULTS, type OpenOptions } from './open-options.js';
import { DocumentTests } from './pipelines/document-tests/document-tests.js';
import type { RunEvents } from './pipelines/events.js';
import { codeRule } from './pipelines/guests/code-rules.js';
import { GuestCodes } from './pipelines/guests/guest-codes.js';
import { nearSource } from './pipelines/guests/near-reads.js';
import { Leases } from './pipelines/leases/leases.js';
import { Programs } from './pipelines/programs/programs.js';
import type { RunDeps } from './pipelines/run-deps.js';
import { Runs } from './pipelines/runs.js';
import type { Sandbox } from './sandbox/contract.js';
import type { NearSource } from './sandbox/near.js';
import { createSandbox } from './sandbox/pool.js';
import type { TokenCounter } from './sessions/token-window.js';
import type { Engine } from './storage/contract.js';
import { canFollow } from './storage/follower.js';
import { transformWith } from './transform-with.js';

/** Runs beyond this many at once would fail in their transformer stages instead of waiting. */
const GUEST_CALLS_WAITING_MAX = 100_000;

/** Programs that stand in the sandbox at once; the others wait outside of it, or run anew. */
const PROGRAMS_AT_ONCE = 2;

/** What `db.events` tells. */
export interface JdbxEvents extends RunEvents {
  /** After each step of retention in the background, and at the end of a round. */
  readonly retention: [report: RetainReport];
}

/** What the database stands on. */
export interface Ground {
  readonly store: Store;
  readonly codes: GuestCodes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly directory: string | undefined;
  /** Whether guests may read the store's files in their own threads. */
  readonly near: NearSource | undefined;
}

/** What the ground needs of what will stand on it. */
export interface Above {
  read(id: string): Document | undefined;
  /** Runs the tests of a document that may only be stored when they pass. */
  readonly demandTests: Parameters<typeof codeRule>[1];
}

export function layGround(
  engine: Engine,
  options: OpenOptions,
  directory: string | undefined,
  above: Above,
): Ground {
  const clock = options.clock ?? systemClock;
  // Where the native part is, and files to read.
  const isNative = canFollow && indexKind.name === 'native';
  const canBeFollowed = options.guestsReadNear !== false && directory !== undefined && isNative;
  const codes = new GuestCodes((id) => above.read(id));
  const store = new Store(engine, {
    clock,
    indexKind,
    savesIn: directory && join(directory, 'indexes'),
    saveAfter: options.saveIndexesAfter,
    canBeFollowed,
    cache: new DocumentCache(options.cacheBytes ?? OPEN_DEFAULTS.cacheBytes),
    logCommits: options.logCommits ?? OPEN_DEFAULTS.logCommits,
    rules: [codeRule(codes, above.demandTests)],
  });
  const near = canBeFollowed ? nearSource(directory) : undefined;
  return { store, codes, clock, random: options.random ?? Math.random, directory, near };
}

/** The floors above the documents. */
export interface Floors {
  readonly events: EventEmitter<JdbxEvents>;
  readonly clock: Clock;
  readonly sandbox: Sandbox;
  readonly embedders: Embedders;
  readonly tests: DocumentTests;
  readonly leases: Leases;
  readonly runs: Runs;
  readonly jobs: Jobs;
}

/** Builds upward; `closers` then close downward. */
export function raiseFloors(
  database: Database,
  ground: Ground,
  options: OpenOptions,
  closers: Closers,
): Floors {
  const { clock, codes } = ground;
  const events = new EventEmitter<JdbxEvents>();
  const sandbox = options.sandbox ?? sandboxOf(options, ground.near);
  if (!options.sandbox) closers.add(() => sandbox.close());
  const programSandbox = createSandbox({ workers: PROGRAMS_AT_ONCE });
  closers.add(() => programSandbox.close());
  const programs = new Programs(programSandbox, PROGRAMS_AT_ONCE);
  const { models, embedders } = raiseModels(database, ground, sandbox, options, closers);
  const counting = raiseCounting(database, ground, closers);
  const tests = new DocumentTests({ database, sandbox, codes, programs });
  const leaseMs = options.leaseMs ?? OPEN_DEFAULTS.leaseMs;
  const leases = new Leases({ database, process: nanoid(), leaseMs });
  closers.add(() => leases.close());
  const runs: Runs = new Runs({
    database,
    sandbox,
    programs,
    codes,
    models,
    ...counting,
    ...keptAnswers(database, embedders),
    clock,
    random: ground.random,
    emit: (event, ...args) => {
      if (event === 'run-end') jobs.runEnded();
      events.emit(event, ...(args as never));
    },
    leases,
    tokens: onceAsked(() => chooseTokenCounter(options.countTokens)),
    runsAtOnce: options.runsAtOnce ?? OPEN_DEFAULTS.runsAtOnce,
    alarm: (atMs) => jobs.expect(atMs),
  });
  closers.add(() => runs.close());
  const jobs = new Jobs({
    database,
    clock,
    post: runs.post,
    leases,
    takeUp: () => runs.resumeUnfinished({ own: false }),
    start: async ({ pipeline, input, ...start }) => {
      await runs.launch(pipeline, input, start);
    },
  });
  closers.add(() => jobs.close());
  leases.listen({
    onLost: (owner) => runs.leaseLost(owner),
    onLook: (isNews) => jobs.look(isNews),
  });
  return { events, clock, sandbox, embedders, tests, leases, runs, jobs };
}

/** @internal For several stores in one process. */
export function sandboxOf({ workers }: OpenOptions, near?: NearSource): Sandbox {
  const queueMax = GUEST_CALLS_WAITING_MAX;
  return createSandbox({ ...(workers === undefined ? {} : { workers }), queueMax, near });
}

function raiseModels(
  database: Database,
  { clock, codes, random }: Ground,
  sandbox: Sandbox,
  options: OpenOptions,
  closers: Closers,
): { readonly models: ModelCaller; readonly embedders: Embedders } {
  const get = (id: string) => database.latest(id);
  const transport = new Transport({ dispatcher: options.dispatcher, clock });
  closers.add(() => transport.close());
  const secrets = { env: options.env ?? process.env, sealKey: options.sealKey };
  const models = createModelCaller({
    providers: createProviders({
      findRecording: findRecordingIn(database),
      transport,
      transform: transformWith(sandbox, codes, get, clock),
      own: options.providers,
    }),
    credentials: (ref) => database.get(ref),
    findPrice: findPriceIn(database, clock),
    secrets,
    clock,
    random,
  });
  return { models, embedders: new Embedders({ transport, get, secrets, own: options.embedders }) };
}

/** Who counts calls against limits and budgets, and what they count. */
function raiseCounting(
  database: Database,
  { clock, random, directory }: Ground,
  closers: Closers,
): Pick<RunDeps, 'pools' | 'reservations'> {
  const owner = nanoid();
  const get = (id: string) => database.latest(id);
  const now = () => clock.now();
  const submit: ConstructorParameters<typeof Hold>[0]['submit'] = (plan) => database.submit(plan);
  const othersCount = () => database.othersCount;
  const hold = new Hold({ submit, get, othersCount, owner, directory });
  // What cannot be written now, the next to open the store finds in the file.
  closers.add(() => hold.release().catch(() => {}));
  return {
    pools: new Pools({ submit, get, hold, owner, now, random, priceOf: ownPrice }),
    reservations: new Reservations({ hold, get, now, isSettled: isSettledIn(database) }),
  };
}

function keptAnswers(
  database: Database,
  embedders: Embedders,
): Pick<RunDeps, 'semantic' | 'responses'> {
  const get = (id: string) => database.latest(id);
  return {
    semantic: new SemanticCache({
      get,
      embedder: (id) => embedders.find(id),
      entries: newestEntriesIn(database),
    }),
    responses: new Responses({
      get,
      oldest: oldestResponsesIn(database),
      bytesOf: responseBytesIn(database),
      isAlone: () => database.othersCount === 0,
      get seq() {
        return database.seq;
      },
    }),
  };
}

function onceAsked(make: () => Promise<TokenCounter>): () => Promise<TokenCounter> {
  let made: Promise<TokenCounter> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
