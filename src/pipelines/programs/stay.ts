import { JdbxError } from '../../base/errors.js';
import type { GuestLimits, HostFunctions } from '../../sandbox/contract.js';
import type { Answer, ProgramStages } from './program-stages.js';
import type { Readings } from './readings.js';
import { diverged } from './recorded.js';
import type { Seat } from './seats.js';

/** What part of its time and host calls a program uses before it leaves, to begin afresh. */
const PART_OF_LIMITS = 0.5;
/** The most of its time, where coming back to where it was took long: a stay gains as much as that. */
const MOST_OF_TIME = 0.8;
/** What a program may keep its place while others want it, at least, in milliseconds. */
const LINGER_MS = 2;

type Reply =
  | (Answer & { readonly ahead?: readonly Answer[] })
  | { readonly leave: true }
  | { readonly end: true };

const LEAVE = { leave: true } as const;
const END = { end: true } as const;

/**
 * One stay of a program in the sandbox, from its beginning: first it is handed what it was
 * handed before, then what comes.
 */
export class Stay {
  readonly #stages: ProgramStages;
  readonly #readings: Readings;
  readonly #seat: Seat;
  readonly #limits: GuestLimits;
  readonly #begunAt = performance.now();
  #turn = 0;
  #calls = 0;
  /** How long it took to come to where it was. */
  #replayMs: number | undefined;
  /** True once it has been handed something new: it may leave without having come for nothing. */
  #hasGained = false;
  #fault: { readonly thrown: unknown } | undefined;
  #stop: (() => void) | undefined;

  constructor(stages: ProgramStages, readings: Readings, seat: Seat, limits: GuestLimits) {
    this.#stages = stages;
    this.#readings = readings;
    this.#seat = seat;
    this.#limits = limits;
  }

  /** The end of the stage that comes next; to leave when there is none yet. */
  async next(over: boolean): Promise<Reply> {
    await this.#readings.keep();
    const n = this.#stages.handed(this.#turn);
    if (n !== undefined) return this.#again(n, over);
    this.#replayMs ??= this.#elapsedMs;
    this.#stages.begin();
    return this.#live(over);
  }

  async #again(n: number, over: boolean): Promise<Reply> {
    if (this.#stages.isAsked(n)) return this.#handMore(await this.#stages.recorded(n));
    if (over) return END;
    throw this.#departure(n);
  }

  async #live(over: boolean): Promise<Reply> {
    const stages = this.#stages;
    if (stages.openCount === 0) {
      if (over) return END;
      const text =
        'expected the program to wait for its stages, it waits for what nothing will end';
      throw new JdbxError('GUEST_ERROR', text);
    }
    if (this.#hasGained && this.#isLong) return LEAVE;
    for (;;) {
      const seen = stages.changes;
      const answer = await stages.ended();
      if (answer) {
        this.#hasGained = true;
        return this.#hand(answer);
      }
      if (stages.allWait) return over ? END : LEAVE;
      if (!(await this.#waits(seen))) return LEAVE;
    }
  }

  async #hand(answer: Answer): Promise<Answer> {
    await this.#readings.next(++this.#turn);
    return answer;
  }

  /** One that is recorded, and those that follow it. */
  async #handMore(answer: Answer): Promise<Reply> {
    const turn = this.#turn + 1;
    const ahead = this.#stages.ahead(turn, (at) => this.#readings.isKept(at));
    this.#turn += ahead.length;
    return { ...(await this.#hand(answer)), ahead };
  }

  /** The program has no such stage now. @throws {JdbxError} REPLAY_DIVERGED, always */
  refuse(n: number): never {
    throw this.#departure(n);
  }

  /**
   * Waits for a stage to end, as long as nobody wants the place; else no longer than it would
   * take to come back to it. False when it is time to leave.
   */
  async #waits(seen: number): Promise<boolean> {
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, then: () => void) => timers.push(setTimeout(then, Math.max(0, ms)));
    let isLeaving = false;
    const leaving = new Promise<void>((resolve) => {
      const leave = () => {
        isLeaving = true;
        resolve();
      };
      this.#stop = leave;
      after(this.#leavesAtMs - this.#elapsedMs, leave);
    });
    const lingerMs = Math.max(LINGER_MS, this.#replayMs ?? 0);
    const done = this.#seat.linger(() => after(lingerMs, () => this.#stop?.()));
    await Promise.race([this.#stages.changed(seen), leaving]);
    this.#stop = undefined;
    done();
    for (const timer of timers) clearTimeout(timer);
    return !isLeaving;
  }

  /** A guest that waits ends at once when the run does. */
  leaveOn(signal: AbortSignal): () => void {
    const leave = () => this.#stop?.();
    signal.addEventListener('abort', leave, { once: true });
    return () => signal.removeEventListener('abort', leave);
  }

  /** What a host function throws ends the program, whatever the guest does about it. */
  guarded(functions: HostFunctions): HostFunctions {
    const guard = (call: HostFunctions[string]): HostFunctions[string] => {
      return async (...args) => {
        this.#calls++;
        this.check();
        try {
          return await call(...args);
        } catch (thrown) {
          if (isTheGuests(thrown)) throw thrown;
          this.#fault ??= { thrown };
          throw thrown;
        }
      };
    };
    return Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, guard(call)]));
  }

  /** @throws what a host function threw */
  check(): void {
    if (this.#fault) throw this.#fault.thrown;
  }

  /** A program that is over has asked for all that is recorded. @throws {JdbxError} REPLAY_DIVERGED */
  refuseUnasked(asked: number): void {
    const { last } = this.#stages;
    if (last && last.n > asked) throw this.#departure(last.n);
  }

  #departure(n: number): JdbxError {
    const recorded = { name: this.#stages.nameOf(n) };
    return diverged(this.#stages.path, { n, what: 'stage', recorded, asked: null });
  }

  get #isLong(): boolean {
    const isLate = this.#elapsedMs > this.#leavesAtMs;
    return isLate || this.#calls > this.#limits.hostCalls * PART_OF_LIMITS;
  }

  /** Else a long program would run anew for every stage as soon as that takes half of its time. */
  get #leavesAtMs(): number {
    const { timeoutMs } = this.#limits;
    const gainedMs = Math.min(timeoutMs * MOST_OF_TIME, 2 * (this.#replayMs ?? 0));
    return Math.max(timeoutMs * PART_OF_LIMITS, gainedMs);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#begunAt;
  }
}

/** A right that is missing, or a query that is none, is the program's to handle. */
function isTheGuests(thrown: unknown): boolean {
  if (!(thrown instanceof JdbxError)) return false;
  return !NOT_THE_GUESTS.has(thrown.code);
}

const NOT_THE_GUESTS = new Set<string>([
  'REPLAY_DIVERGED',
  'INVALID_PIPELINE',
  'RUN_LEASE_LOST',
  'RUN_CANCELLED',
  'RUN_PAUSED',
  'RUN_DEADLINE',
  'STORE_CLOSED',
  'STORE_FULL',
  'STORE_IO',
]);
