import type { Scope } from '../expressions/operator.js';

export type Document = Readonly<Record<string, unknown>>;

/** What stages need beside the documents that come in. */
export interface StageSetting {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Variables in sight, by `let` of the stages around. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** The documents of a type that match a filter, by index where one serves. */
  find(type: string, filter: Document): Iterable<Document>;
  /** True when an index leads with this path. */
  isIndexed(type: string, path: string): boolean;
}

/** What a stage gets: the setting, and ways to go on from it. */
export interface StageContext extends StageSetting {
  scope(document: unknown): Scope;
  /** Runs stages inside this one, with more variables. */
  run(
    stages: readonly Document[],
    documents: Iterable<unknown>,
    variables?: Readonly<Record<string, unknown>>,
  ): Iterable<unknown>;
}

/** One stage: its operand checked when the pipeline is, then documents in and out. */
export interface Stage {
  /** @throws {JdbxError} INVALID_EXPRESSION */
  readonly check: (operand: unknown) => void;
  readonly run: (
    documents: Iterable<unknown>,
    operand: never,
    context: StageContext,
  ) => Iterable<unknown>;
}

export type Stages = Readonly<Record<string, Stage>>;

/** A stage that looks at one document at a time. */
export function each<T>(
  check: (operand: unknown) => void,
  prepare: (operand: T, context: StageContext) => (document: unknown) => unknown,
): Stage {
  return {
    check,
    run: function* (documents, operand, context) {
      const apply = prepare(operand as T, context);
      for (const document of documents) yield apply(document);
    },
  };
}
