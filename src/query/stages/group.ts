import { isPlainObject } from '../../base/values.js';
import { type Accumulator, type Running, readAccumulator } from '../accumulators/accumulator.js';
import { ACCUMULATORS } from '../accumulators/accumulators.js';
import { describe, refuse, type Scope } from '../expressions/operator.js';
import { checkFieldPath } from '../field-paths.js';
import { filterText } from '../filter.js';
import type { Document, Stage, Stages } from './stage.js';

export const GROUP_STAGES: Stages = {
  $group: {
    check: (operand) => void readGroup(operand),
    run: function* (documents, operand, context) {
      const { id, outputs } = readGroup(operand);
      const groups = new Map<string, Group>();
      for (const document of documents) {
        const scope = context.scope(document);
        const key = scope.value(id) ?? null;
        groupOf(groups, key, outputs).add(scope);
      }
      for (const group of groups.values()) yield group.result();
    },
  },
  $sortByCount: {
    check: checkExpressionOperand,
    run: (documents, operand, context) =>
      context.run(
        [{ $group: { _id: operand, count: { $sum: 1 } } }, { $sort: { count: -1 } }],
        documents,
      ),
  },
  $count: count(),
};

/** An expression: `$path`, or an operator. */
export function checkExpressionOperand(operand: unknown, place = '$sortByCount'): void {
  const path = typeof operand === 'string' && operand.length > 1 && operand.startsWith('$');
  const operator = isPlainObject(operand) && Object.keys(operand)[0]?.startsWith('$') === true;
  if (!path && !operator) refuse(place, 'an expression', describe(operand));
}

/** Output names with the accumulators that make them. */
export interface Output {
  readonly name: string;
  readonly accumulator: Accumulator;
  readonly operand: unknown;
}

export function readOutputs(spec: Document, place: string): readonly Output[] {
  return Object.entries(spec).map(([name, value]) => {
    if (name !== '') checkFieldPath(name, place);
    if (name.includes('.')) refuse(place, 'a name without dots', name);
    const read = readAccumulator(value, ACCUMULATORS, `${place}.${name}`);
    if (Array.isArray(read.operand)) refuse(`${place}.${name}`, 'one argument', 'a list');
    return { name, ...read };
  });
}

/** The documents of one group, as far as they came. */
export class Group {
  readonly #id: unknown;
  readonly #running: readonly (readonly [string, Running])[];

  constructor(id: unknown, outputs: readonly Output[]) {
    this.#id = id;
    this.#running = outputs.map(({ name, accumulator, operand }) => [
      name,
      accumulator.begin(operand),
    ]);
  }

  add(scope: Scope): void {
    for (const [, running] of this.#running) running.add(scope);
  }

  result(): Document {
    const fields = this.#running.map(([name, running]) => [name, running.result()]);
    return { _id: this.#id, ...Object.fromEntries(fields) };
  }
}

function groupOf(groups: Map<string, Group>, key: unknown, outputs: readonly Output[]): Group {
  const text = keyText(key);
  let group = groups.get(text);
  if (!group) {
    group = new Group(key, outputs);
    groups.set(text, group);
  }
  return group;
}

/** One text for equal values. */
export function keyText(value: unknown): string {
  return filterText(value) ?? JSON.stringify(value);
}

function readGroup(operand: unknown): { id: unknown; outputs: readonly Output[] } {
  if (!isPlainObject(operand)) refuse('$group', 'an object', describe(operand));
  if (!Object.hasOwn(operand, '_id')) refuse('$group', 'an _id to group by', 'none');
  const { _id: id, ...rest } = operand;
  if (isPlainObject(id)) checkIdFields(id);
  return { id, outputs: readOutputs(rest, '$group') };
}

/** An object of expressions; what reads as a projection is a mistake. */
function checkIdFields(id: Document): void {
  for (const [name, value] of Object.entries(id)) {
    if (name.startsWith('$')) return;
    if (name.includes('.')) refuse('$group._id', 'names without dots', name);
    if (typeof value === 'number' || typeof value === 'boolean')
      refuse('$group._id', 'expressions', describe(value));
  }
}

function count(): Stage {
  return {
    check: (operand) => {
      checkFieldPath(operand, '$count');
      if (operand.includes('.')) refuse('$count', 'a name without dots', operand);
      if (operand === '_id') refuse('$count', 'another name', operand);
    },
    run: function* (documents, operand) {
      let total = 0;
      for (const _ of documents) total++;
      if (total > 0) yield { [operand as string]: total };
    },
  };
}
