import type { Database } from '../documents/database.js';
import type { Draft } from '../documents/draft.js';
import { type TakenDocument, takeMade } from '../documents/take-document.js';
import { templateOf } from './check-pipeline.js';
import { auditAll, type FirstCommit } from './commit-stage.js';
import { fence } from './fence.js';
import type { Stage } from './pipeline-document.js';
import type { RunDocument } from './run-document.js';
import { type NewRun, newRunFields, runFacts } from './run-writes.js';
import { kindOf } from './stage-kinds.js';

/** How long a run may be at work before it is stored, in milliseconds. */
const UNSTORED_MAX_MS = 100;

export interface BirthPlan {
  readonly run: NewRun;
  /** The lease under which it is executed. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Called once the run is durable. */
  readonly onStored: () => void;
}

/**
 * The first commit of a run that begins with a stage which nobody can see from outside: it is
 * made with the stage's own, or by itself when that takes longer than a tenth of a second.
 */
export class Birth implements FirstCommit {
  /** As it will be stored. */
  readonly run: RunDocument;
  readonly #taken: TakenDocument;
  readonly #facts: object;
  readonly #database: Database;
  readonly #onStored: () => void;
  readonly #timer: NodeJS.Timeout;
  #isStored = false;

  /** @throws {JdbxError} INVALID_DOCUMENT, DOCUMENT_TOO_LARGE */
  constructor(database: Database, { run, owner, at, onStored }: BirthPlan) {
    const facts = runFacts(run, run.budgets ?? []);
    const fields = newRunFields(run, { facts, owner, at });
    this.#taken = takeMade({ ...fields, input: run.input });
    this.#facts = { kind: 'run-start', run: run.id, ...facts };
    this.run = { _id: run.id, _type: 'run', _rev: 1, ...this.#taken.fields } as RunDocument;
    this.#database = database;
    this.#onStored = onStored;
    this.#timer = setTimeout(() => this.settle().catch(() => {}), UNSTORED_MAX_MS);
  }

  get isStored(): boolean {
    return this.#isStored;
  }

  /** Writes the run into a commit, which goes on with the fence: that judges what it finds. */
  write(draft: Draft): void {
    if (this.#isStored || draft.get(this.run._id)) return;
    auditAll(draft, [this.#facts]);
    draft.insert(this.#taken);
  }

  /** Called when a commit that wrote it is durable. */
  stored(): void {
    if (this.#isStored) return;
    this.#isStored = true;
    this.end();
    this.#onStored();
  }

  /** Makes sure that the run is stored. @throws {JdbxError} RUN_LEASE_LOST, and what a commit throws */
  async settle(): Promise<void> {
    if (this.#isStored) return;
    const { _id, owner = '' } = this.run;
    await this.#database.submit((draft) => {
      this.write(draft);
      fence(draft, _id, owner);
    });
    this.stored();
  }

  /** Nothing more is to be written for the run. */
  end(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * True of a stage that reads and reaches nothing but what it is handed, so that nobody can
 * tell whether the run around it is stored before it or with it.
 *
 * @param rightsOf the permissions of a definition
 */
export function isUnseen(stage: Stage | undefined, rightsOf: (id: string) => unknown): boolean {
  if (!stage || stage.at_most_once || !UNSEEN.includes(kindOf(stage).name)) return false;
  return [stage.transformer, templateOf(stage)].every((id) => {
    const rights = id === undefined ? undefined : rightsOf(id);
    return rights === undefined || (Array.isArray(rights) && rights.length === 0);
  });
}

const UNSEEN: readonly string[] = ['transformer', 'prompt'];
