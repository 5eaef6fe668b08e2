import type { StoreFacts } from '../../documents/readers/store-facts.js';
import { ThreadReader } from '../../documents/readers/thread-reader.js';
import { Workspace, type WorkspaceWrite } from '../../documents/workspace.js';
import type { HostFunctions } from '../../sandbox/contract.js';
import type { Ask, NearCall, NearGate, NearHost } from '../../sandbox/near.js';
import { Permissions } from '../../sandbox/permissions.js';
import { guestDatabase } from './database.js';
import { NEAR_VERBS, type NearReads } from './near-reads.js';

/** What a worker is told when it opens the store: `NearModule`. */
export interface NearData {
  readonly directory: string;
}

/** Runs in the sandbox's workers: the guests' `db` functions that read, over the store's own files. */
export async function openNear(data: unknown, gate?: NearGate): Promise<NearHost> {
  return new NearDatabase(await ThreadReader.open((data as NearData).directory, gate));
}

class NearDatabase implements NearHost {
  readonly #reader: ThreadReader;
  /** False while what was told last cannot be used. */
  #isUsable = false;

  constructor(reader: ThreadReader) {
    this.#reader = reader;
  }

  learn(shared: unknown): void {
    this.#isUsable = false;
    try {
      this.#reader.learn(shared as StoreFacts);
      this.#isUsable = true;
    } catch {
      // An index was closed meanwhile; what is told next does not name it.
    }
  }

  begin(own: unknown, ask: Ask): NearCall | string {
    if (!this.#isUsable) return 'unknown';
    const reads = own as NearReads;
    const view = this.#reader.viewAt(reads.seq, (page) => ask(page) as (string | null)[]);
    if (!view) return 'moved on';
    const workspace = new Workspace(view, { check: () => {}, now: () => reads.now });
    workspace.adopt(reads.writes);
    return new NearGuest(workspace, reads);
  }

  rest(): void {
    this.#reader.rest();
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

class NearGuest implements NearCall {
  readonly #workspace: Workspace;
  readonly #functions: Partial<HostFunctions>;

  constructor(workspace: Workspace, reads: NearReads) {
    this.#workspace = workspace;
    const permissions = Permissions.parse(reads.permissions);
    const functions = guestDatabase({
      permissions,
      typesOf: (type) => workspace.typesOf(type),
      // What is refused is told by the caller's thread, which is asked instead.
      refused: () => {},
      workspace: () => workspace,
      now: () => reads.now,
    });
    // A verb that is not listed is refused by the caller's thread, which puts it on record.
    const listed = NEAR_VERBS.filter((verb) => permissions.allows(verb));
    this.#functions = Object.fromEntries(listed.map((verb) => [verb, functions[verb]]));
  }

  answer(name: string, args: readonly unknown[]): { readonly value: unknown } | undefined {
    const fn = this.#functions[name];
    return fn && { value: fn(...(args as never[])) };
  }

  hear(news: unknown): void {
    this.#workspace.adopt(news as readonly WorkspaceWrite[]);
  }

  end(): void {
    this.#workspace.close();
  }
}
