import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../documents/database.js';
import type { Ended, Report, TortureOptions, TortureReport, Work } from './contract.js';
import { stableFacts } from './judge.js';
import { type Fate, type Life, type LifeOrder, Lives, type Plan } from './lives.js';
import { PowerLoss } from './power-loss.js';
import { prepare } from './prepare.js';
import { seededRandom } from './seeded-random.js';
import { VictimProcess } from './victim-process.js';

const KILLS = 200;
const SHARDS = 2;
/** Stores that one process has at most: starting it is what a kill costs. */
const LIVES_AT_ONCE = 64;
const PROBLEMS_MAX = 100;

/**
 * Runs pipelines in copies of a store, kills their processes at every commit and at random
 * moments, lets each run end, and looks whether anybody could tell: each effect is there once,
 * each call left at least once under the same key, no checkpoint is lost or double, counters
 * and budgets are exact, and the audit trail says of everything what was done.
 *
 * @param db the store with the pipelines; it is only copied
 * @throws {JdbxError} what a run without kills throws; {TypeError} for options that are none
 */
export async function torture(db: Database, options: TortureOptions): Promise<TortureReport> {
  const root = mkdtempSync(join(tmpdir(), 'jdbx-torture-'));
  const kit = new Torture(root, options);
  try {
    await db.backup(join(root, 'base', 'store'));
    await prepare(join(root, 'base'));
    return await kit.run();
  } finally {
    await kit.end();
  }
}

class Torture {
  readonly #options: TortureOptions;
  readonly #root: string;
  readonly #kills: number;
  readonly #seed: number;
  readonly #lives: Lives;
  readonly #random: () => number;
  readonly #processes = new Set<VictimProcess>();
  readonly #power: PowerLoss | undefined;
  readonly #problems: string[] = [];
  readonly #startedAt = performance.now();
  #livesAtOnce = LIVES_AT_ONCE;
  /** Kills that were made, or are about to be. */
  #planned = 0;
  #done = {
    kills: 0,
    atCommits: 0,
    processes: 0,
    judged: 0,
    calls: 0,
    callsNeeded: 0,
    lostWrites: 0,
  };

  constructor(root: string, options: TortureOptions) {
    this.#root = root;
    this.#options = options;
    this.#kills = wholeNumber('kills', options.kills ?? KILLS, 1);
    this.#seed = wholeNumber('seed', options.seed ?? 1, 0);
    this.#random = seededRandom(this.#seed);
    mkdirSync(join(root, 'base'));
    this.#lives = new Lives(root, join(root, 'base'), this.#random);
    this.#power = options.powerLoss ? new PowerLoss(root) : undefined;
  }

  async run(): Promise<TortureReport> {
    const plans: Plan[] = [];
    for (const work of this.#options.works) plans.push(await this.#plan(work));
    this.#lives.plans = plans;
    const shards = wholeNumber('shards', this.#options.shards ?? SHARDS, 1);
    this.#livesAtOnce = Math.min(LIVES_AT_ONCE, Math.ceil(this.#kills / shards / 2));
    // A pipeline that does not even run by itself is not worth killing.
    const isSound = this.#problems.length === 0;
    if (isSound) await Promise.all(Array.from({ length: shards }, () => this.#shard()));
    const durationMs = Math.round(performance.now() - this.#startedAt);
    const problems = this.#problems.slice(0, PROBLEMS_MAX);
    return { ok: problems.length === 0, seed: this.#seed, ...this.#done, durationMs, problems };
  }

  async end(): Promise<void> {
    await Promise.all([...this.#processes].map((each) => each.kill()));
    const keeps = this.#problems.length > 0 && this.#options.keep !== false;
    if (!keeps) rmSync(this.#root, { recursive: true, force: true });
  }

  /** Runs it twice without a kill: what both leave, every run of it has to leave. */
  async #plan(work: Work): Promise<Plan> {
    const empty = { work, commits: 0, calls: 0, expected: {} };
    const lives = [this.#lives.make(empty), this.#lives.make(empty)];
    const orders = lives.map((life) => this.#lives.orderFor(life, false).order);
    const victim = this.#process();
    victim.recording?.begin(lives);
    const reports = await victim.work(orders, new Set(lives.map(({ number }) => number)));
    await this.#dismiss(victim);
    const ends = lives.map((life) => endOf(reports.get(life.number)));
    const [left, right] = ends;
    for (const life of lives) this.#lives.remove(life);
    if (!left || !right) throw new Error(`expected ${work.pipeline} to end without a kill`);
    const faults = [...left.problems, ...right.problems];
    if (faults.length > 0) {
      this.#problems.push(...faults.map((fault) => `${work.pipeline}, without a kill: ${fault}`));
    }
    const expected = stableFacts(left.facts, right.facts);
    return { work, commits: Math.max(1, left.commits), calls: left.calls, expected };
  }

  /** Rounds of one process each, until there were enough kills and every run has ended. */
  async #shard(): Promise<void> {
    let lives: Life[] = [];
    let next = this.#process();
    while (lives.length > 0 || this.#mayKill) {
      this.#options.signal?.throwIfAborted();
      const orders = lives.map((life) => this.#order(life));
      while (lives.length < this.#livesAtOnce && this.#mayKill) {
        lives.push(this.#lives.make());
        orders.push(this.#order(lives.at(-1) as Life));
      }
      const victim = next;
      // The next one starts while this one is at work.
      next = this.#process();
      lives = await this.#round(victim, lives, orders);
    }
    await this.#dismiss(next);
  }

  get #mayKill(): boolean {
    return this.#planned < this.#kills && this.#problems.length < PROBLEMS_MAX;
  }

  #order(life: Life): LifeOrder {
    const given = this.#lives.orderFor(life, this.#mayKill);
    if (given.fate !== 'end') this.#planned++;
    return given;
  }

  async #round(
    victim: VictimProcess,
    lives: readonly Life[],
    orders: readonly LifeOrder[],
  ): Promise<Life[]> {
    const awaited = orders.filter(({ fate }) => fate !== 'anywhere').map(({ order }) => order.life);
    victim.recording?.begin(lives);
    const reports = await victim.work(
      orders.map(({ order }) => order),
      new Set(awaited.length > 0 ? awaited : [(lives[0] as Life).number]),
    );
    await this.#dismiss(victim);
    const known = new Map(lives.map((life) => [life, life.acknowledged]));
    const going = lives.filter((life, at) => {
      const { fate } = orders[at] as LifeOrder;
      const report = reports.get(life.number);
      if (!report && fate !== 'anywhere') return this.#miss(life, victim);
      return this.#goesOn(life, fate, report);
    });
    const losses = victim.recording?.lose(going, this.#random);
    this.#done.lostWrites += losses?.lost ?? 0;
    for (const life of losses?.early ?? []) life.acknowledged = known.get(life) ?? 0;
    const { kills, judged } = this.#done;
    const problems = this.#problems.length;
    this.#options.onProgress?.({ kills, of: this.#kills, judged, problems });
    return going;
  }

  /** Counts what became of a run in a round; false when nothing is left to do. */
  #goesOn(life: Life, fate: Fate, report: Report | undefined): boolean {
    if (report?.kind === 'ended') {
      // It was quicker than the kill.
      if (fate !== 'end') this.#planned--;
      this.#judge(life, report.end);
      return false;
    }
    life.kills++;
    life.acknowledged = Math.max(life.acknowledged, report?.acknowledged ?? 0);
    this.#done.kills++;
    if (report) this.#done.atCommits++;
    return true;
  }

  #judge(life: Life, { problems, calls }: Ended): void {
    this.#done.judged++;
    this.#done.calls += calls;
    this.#done.callsNeeded += life.plan.calls;
    const { pipeline } = life.plan.work;
    for (const problem of problems) {
      const place = `${pipeline}, killed ${life.kills} times, in ${life.directory}`;
      this.#problems.push(`${problem} (${place})`);
    }
    if (problems.length === 0) this.#lives.remove(life);
  }

  /** Nothing was heard of a run in time. */
  #miss({ plan, kills, directory }: Life, { endedWith }: VictimProcess): false {
    const fault = endedWith === undefined ? 'hangs' : `loses its process, by ${endedWith},`;
    this.#problems.push(`${plan.work.pipeline} ${fault} after ${kills} kills, in ${directory}`);
    return false;
  }

  #process(): VictimProcess {
    const started = new VictimProcess(this.#power?.record(this.#done.processes));
    this.#processes.add(started);
    this.#done.processes++;
    return started;
  }

  async #dismiss(victim: VictimProcess): Promise<void> {
    await victim.kill();
    this.#processes.delete(victim);
  }
}

function endOf(report: Report | undefined): Ended | undefined {
  return report?.kind === 'ended' ? report.end : undefined;
}

function wholeNumber(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`torture: expected ${name} to be a whole number from ${least}, got ${value}`);
}
