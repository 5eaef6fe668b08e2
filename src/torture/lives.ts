import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cut, Facts, Order, Work } from './contract.js';

/** How often one run is killed before it is let end. */
const KILLS_OF_A_LIFE = 5;

/** One run in a store of its own, from its first process to its last. */
export interface Life {
  readonly number: number;
  readonly directory: string;
  readonly plan: Plan;
  /** How often it was killed. */
  kills: number;
  /** The newest commit that one of its processes was told was durable. */
  acknowledged: number;
}

/** `cut`: at its commit; `anywhere`: wherever it is when its process is killed; `end`: not at all. */
export type Fate = 'cut' | 'anywhere' | 'end';

export interface LifeOrder {
  readonly order: Order;
  readonly fate: Fate;
}

/** What is known of a pipeline before its runs are killed. */
export interface Plan {
  readonly work: Work;
  /** Commits of an undisturbed run. */
  readonly commits: number;
  readonly calls: number;
  readonly expected: Facts;
}

/**
 * Hands out runs, and where each is cut: the first time of each run at the next of all commits
 * in turn, before and after it, later times at random ones or at no commit at all.
 */
export class Lives {
  readonly #base: string;
  readonly #root: string;
  readonly #random: () => number;
  #plans: readonly Plan[] = [];
  #made = 0;

  constructor(root: string, base: string, random: () => number) {
    this.#root = root;
    this.#base = base;
    this.#random = random;
  }

  set plans(plans: readonly Plan[]) {
    this.#plans = plans;
  }

  make(plan = this.#plans[this.#made % this.#plans.length] as Plan): Life {
    const number = this.#made++;
    const directory = join(this.#root, `life-${number}`);
    mkdirSync(directory, { recursive: true });
    cpSync(this.#base, directory, { recursive: true });
    return { number, directory, plan, kills: 0, acknowledged: 0 };
  }

  /** What a process is told to do with it; with `mayKill` false it is let end. */
  orderFor(life: Life, mayKill: boolean): LifeOrder {
    const { number, directory, plan, acknowledged, kills } = life;
    const { work, expected } = plan;
    const facts = { life: number, directory, work, key: 'torture', acknowledged, expected };
    if (!mayKill || kills >= KILLS_OF_A_LIFE) return { order: facts, fate: 'end' };
    const cut = kills === 0 ? this.#nextCut(life) : this.#randomCut(life);
    return cut ? { order: { ...facts, cut }, fate: 'cut' } : { order: facts, fate: 'anywhere' };
  }

  remove({ directory }: Life): void {
    rmSync(directory, { recursive: true, force: true });
  }

  #nextCut({ number, plan }: Life): Cut {
    const turn = Math.floor(number / Math.max(1, this.#plans.length));
    const point = turn % (2 * plan.commits);
    return { at: 1 + (point >> 1), after: point % 2 === 1 };
  }

  #randomCut({ plan, kills }: Life): Cut | undefined {
    if (this.#random() < 0.3) return undefined;
    // The longer it has lived, the less is left.
    const left = Math.max(2, Math.ceil(plan.commits / kills));
    return { at: 1 + Math.floor(this.#random() * left), after: this.#random() < 0.5 };
  }
}
