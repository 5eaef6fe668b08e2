import { contentHash } from '../../base/canonical.js';
import { JdbxError } from '../../base/errors.js';
import type { Value, ValueObject } from '../../base/values.js';

/** What a program's stage was asked for, as its checkpoint keeps it. */
export type Asked = {
  /** Of the stage's document. */
  readonly stage: string;
  /** Of what it was handed. */
  readonly given: string;
};

/** A stage of a program that is done, as its checkpoint says. */
export interface RecordedStage {
  readonly path: string;
  readonly asked: Asked;
  /** The commit that it came with. */
  readonly order: number;
}

/** The record of a program's stages by their positions, and the order in which they ended. */
export class Record {
  /** Positions, in the order in which their ends were handed to the program. */
  readonly order: number[];
  readonly #stages = new Map<number, RecordedStage & { readonly name: string }>();

  /** `prefix` is what stands before `3/draft` in the paths. */
  constructor(stages: readonly RecordedStage[], prefix: string) {
    const sorted = stages
      .map((stage) => ({ ...stage, ...placeOf(stage.path.slice(prefix.length)) }))
      .sort((left, right) => left.order - right.order || left.n - right.n);
    this.order = sorted.map(({ n }) => n);
    for (const stage of sorted) this.#stages.set(stage.n, stage);
  }

  has(n: number): boolean {
    return this.#stages.has(n);
  }

  pathOf(n: number): string | undefined {
    return this.#stages.get(n)?.path;
  }

  nameOf(n: number): string | undefined {
    return this.#stages.get(n)?.name;
  }

  /** What of a question is another than the record says; undefined when it is the same. */
  difference(n: number, name: string, asked: Asked): Departure | undefined {
    const known = this.#stages.get(n);
    if (!known) return undefined;
    const recorded = { name: known.name };
    if (known.name !== name) return { n, what: 'stage', recorded, asked: { name } };
    if (known.asked.stage !== asked.stage) return { n, what: 'stage', recorded, asked: { name } };
    if (known.asked.given === asked.given) return undefined;
    return { n, what: 'input', recorded, asked: { name } };
  }
}

/** Where a program and its record part. */
export interface Departure {
  /** 1, 2, 3 … of the stages that the program asks for. */
  readonly n: number;
  readonly what: 'stage' | 'input' | 'reading';
  readonly recorded: ValueObject;
  /** Null when the program asked for nothing more. */
  readonly asked: ValueObject | null;
}

/** The place in the program's code that asked. */
export interface CodePlace {
  readonly module?: string;
  readonly line?: number;
  readonly column?: number;
}

/** @throws {JdbxError} REPLAY_DIVERGED, always */
export function diverged(path: string, departure: Departure, place: CodePlace = {}): JdbxError {
  const { n, what, recorded, asked } = departure;
  const { module, line, column } = place;
  const at = line === undefined ? '' : ` (${module}, line ${line}, column ${column})`;
  const got =
    asked === null ? 'nothing' : `${told(asked)}${what === 'input' ? ' with another input' : ''}`;
  const text = `expected ${what === 'reading' ? 'reading' : 'stage'} ${n} to be ${told(recorded)} as before, the program asked for ${got}${at}`;
  return new JdbxError('REPLAY_DIVERGED', text, {
    path,
    details: { position: n, what, recorded, asked, ...place },
  });
}

function told({ name }: ValueObject): string {
  return String(name);
}

export function askedFor(stage: Value, given: Value): Asked {
  return { stage: contentHash(stage).slice(0, 32), given: contentHash(given).slice(0, 32) };
}

function placeOf(path: string): { readonly n: number; readonly name: string } {
  const slash = path.indexOf('/');
  return { n: Number(path.slice(0, slash)), name: path.slice(slash + 1) };
}
