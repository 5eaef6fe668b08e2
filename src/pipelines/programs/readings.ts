import { contentHash } from '../../base/canonical.js';
import type { Document } from '../../base/document.js';
import { takeValue, type Value } from '../../base/values.js';
import type { Workspace } from '../../documents/workspace.js';
import type { HostFunctions } from '../../sandbox/contract.js';
import { Permissions, permitHostFunctions } from '../../sandbox/permissions.js';
import type { StageWork } from '../contract.js';
import { guestDatabase } from '../guests/database.js';
import type { GuestRights } from '../guests/rights.js';
import { READING } from './program-document.js';
import { NOW } from './program-source.js';
import { diverged } from './recorded.js';

/** One look at the store or the clock, as it is kept. */
type Reading = { readonly name: string; readonly asked: string; readonly value: Value };

/**
 * What a program reads of the store and the clock. It is kept before anything follows from
 * it, and read from there when the program runs again. What is read between two stages is of
 * one snapshot.
 */
export class Readings {
  readonly #work: StageWork;
  readonly #rights: GuestRights;
  /** Made since the last stage ended. */
  #made: Reading[] = [];
  #known: readonly Reading[] | undefined;
  #turn = 0;
  #workspace: Workspace | undefined;

  private constructor(work: StageWork, rights: GuestRights) {
    this.#work = work;
    this.#rights = rights;
  }

  static async begin(work: StageWork, rights: GuestRights): Promise<Readings> {
    const readings = new Readings(work, rights);
    await readings.next(0);
    return readings;
  }

  /** What the guest may call. */
  functions(): HostFunctions {
    const { run } = this.#work;
    const guest = {
      ...this.#rights,
      workspace: () => this.#snapshot(),
      now: () => run.now(),
    };
    const known = guestDatabase(guest);
    const reading = READING.map((verb) => [verb, this.#kept(verb, known[verb] as Reader)]);
    const permitted = Object.fromEntries(reading) as HostFunctions;
    return {
      ...permitHostFunctions(this.#rights.permissions, permitted, this.#rights.refused),
      [NOW]: this.#kept('now', () => new Date(run.now())),
    };
  }

  /** True when the program read something after the `turn`th end. */
  isKept(turn: number): boolean {
    return this.#work.run.remembers(this.#pathOf(turn));
  }

  end(): void {
    this.#workspace?.close();
    this.#workspace = undefined;
  }

  /** Keeps what was read, before anything follows from it. @throws {JdbxError} REPLAY_DIVERGED */
  async keep(): Promise<void> {
    this.end();
    const made = this.#made;
    if (this.#known || made.length === 0) return this.#allRead();
    await this.#work.run.remember(this.#pathOf(this.#turn), () => made as unknown as Value);
    this.#known = made;
  }

  /** Another stage has ended, the `turn`th. */
  async next(turn: number): Promise<void> {
    this.#turn = turn;
    this.#made = [];
    const path = this.#pathOf(turn);
    const { run } = this.#work;
    this.#known = undefined;
    if (!run.remembers(path)) return;
    this.#known = (await run.remember(path, () => [])) as unknown as Reading[];
  }

  #kept(name: string, read: Reader): Reader {
    return async (...args) => {
      const asked = contentHash(takeValue(args));
      const known = this.#known?.[this.#made.length];
      if (this.#known && known?.asked !== asked) throw this.#departure(name, known);
      const value = known ? known.value : takeValue((await read(...args)) as Value);
      this.#made.push({ name, asked, value });
      return value;
    };
  }

  #allRead(): void {
    const left = this.#known?.[this.#made.length];
    if (left) throw this.#departure('nothing', left);
  }

  #departure(name: string, known: Reading | undefined) {
    const { path } = this.#work;
    const recorded = { name: known?.name ?? 'nothing', after: this.#turn };
    const n = this.#made.length + 1;
    return diverged(path, { n, what: 'reading', recorded, asked: { name } });
  }

  #pathOf(turn: number): string {
    return `${this.#work.path}/@read/${turn}`;
  }

  #snapshot(): Workspace {
    this.#workspace ??= this.#work.run.workspace();
    return this.#workspace;
  }
}

type Reader = (...args: Value[]) => unknown;

/** The rights that a program's document gives it. */
export function rightsOf(
  { run, path, note }: StageWork,
  { _id, _rev, permissions: listed }: Document,
): GuestRights {
  const permissions = Permissions.parse(listed);
  const refused = (permission: string) =>
    note({ kind: 'refusal', run: run.id, path, document: _id, document_rev: _rev, permission });
  return { permissions, typesOf: run.typesOf, refused };
}
