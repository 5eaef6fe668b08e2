/**
 * A process that is made to be killed: it runs one pipeline in each of many stores at once, and
 * tells its parent which of them stand at the commit at which they were to be cut, and which
 * have ended and been looked through.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '../base/document.js';
import { describeThrown, isJdbxError } from '../base/errors.js';
import { Jdbx } from '../jdbx.js';
import { sandboxOf } from '../runtime.js';
import { openEmbedded } from '../storage/open-embedded.js';
import type { Ended, Order, Report } from './contract.js';
import { CutEngine } from './cut-engine.js';
import { type Before, type Call, compareFacts, isUnknown, judge } from './judge.js';
import { standIn } from './stand-in.js';

const LEASE_MS = 400;
const sandbox = sandboxOf({ workers: 2 });

process.on('message', (orders: readonly Order[]) => {
  for (const order of orders) live(order).then(tell, (error) => fail(order, error));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

function tell(report: Report): void {
  process.send?.(report);
}

function fail({ life }: Order, error: unknown): void {
  const problems = [`the run cannot go on: ${describeThrown(error)}`];
  tell({ life, kind: 'ended', end: { facts: {}, problems, commits: 0, calls: 0 } });
}

/** Runs what is left, to the cut or to the end. */
function live(order: Order): Promise<Report> {
  return new Promise((resolve, reject) => {
    const onCut = (acknowledged: number) =>
      resolve({ life: order.life, kind: 'cut', acknowledged });
    finish(order, onCut).then((end) => resolve({ life: order.life, kind: 'ended', end }), reject);
  });
}

async function finish(order: Order, onCut: (acknowledged: number) => void): Promise<Ended> {
  const { directory, cut, key, acknowledged, expected } = order;
  const store = join(directory, 'store');
  const engine = new CutEngine(await openEmbedded(store, { create: false }), cut, onCut);
  const late = engine.seq < acknowledged;
  const clock = new ForwardClock();
  const calls = join(directory, 'calls.log');
  const db = new Jdbx(
    engine,
    {
      sandbox,
      clock,
      leaseMs: LEASE_MS,
      retentionIntervalMs: 0,
      saveIndexesAfter: 1e9,
      env: {},
      providers: await standIns(directory, calls),
    },
    store,
  );
  await db.begin({ resume: false, retentionIntervalMs: 0 });
  const before = readBefore(directory);
  await db.resume();
  await runToStand(db, clock, order);
  await db.settled();
  const left = callsIn(calls);
  const { problems, facts } = await judge(db, `run:${key}`, before, left);
  await db.close();
  return {
    facts,
    commits: engine.commits,
    calls: left.length,
    problems: [
      ...(late
        ? [`a commit that was acknowledged is gone: ${acknowledged}, not ${engine.seq}`]
        : []),
      ...problems,
      ...(expected && !isUnknown(facts) ? compareFacts(expected, facts) : []),
    ],
  };

  /** The run stands when it has ended, or waits for something that no time brings. */
  async function runToStand(db: Jdbx, clock: ForwardClock, { work }: Order): Promise<void> {
    const { pipeline, input, session } = work;
    for (;;) {
      const status = await db.run(pipeline, input, { key, session }).then(
        (result) => result.status,
        (error) => {
          if (isJdbxError(error, 'RUN_FAILED', 'RUN_CANCELLED')) return 'failed';
          throw error;
        },
      );
      if (status !== 'waiting') return;
      const next = await db
        .query({ _type: 'wait', wake_at: { $exists: true } })
        .sort({ wake_at: 1 });
      const wakeAt = next[0]?.wake_at;
      if (typeof wakeAt !== 'string') return;
      clock.passTo(Date.parse(wakeAt));
      // A clock that is set forth is noticed within a minute; this looks at once.
      await db.resume();
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS / 8));
      await db.settled();
    }
  }
}

/** Goes on at once to the next time that somebody waits for. */
class ForwardClock {
  #aheadMs = 0;

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  passTo(atMs: number): void {
    this.#aheadMs += Math.max(0, atMs - this.now());
  }
}

/** One for each provider that an integration names: nothing leaves this machine. */
async function standIns(directory: string, calls: string) {
  const names = JSON.parse(readFileSync(join(directory, 'providers.json'), 'utf8')) as string[];
  const note = (key: string, hash: string) =>
    appendFileSync(calls, `${JSON.stringify({ key, hash })}\n`);
  return names.map((name) => standIn(name, note));
}

function callsIn(file: string): Call[] {
  if (!existsSync(file)) return [];
  // A line that the kill cut short is of a call that had not left.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Call);
}

function readBefore(directory: string): Before {
  const file = readFileSync(join(directory, 'before.json'), 'utf8');
  const { revisions, seq, budgets, sessions } = JSON.parse(file) as {
    revisions: [string, number][];
    seq: number;
    budgets: [string, Document][];
    sessions: [string, Document][];
  };
  const maps = { budgets: new Map(budgets), sessions: new Map(sessions) };
  return { revisions: new Map(revisions), seq, ...maps };
}
