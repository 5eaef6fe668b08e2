import type { Context } from 'mingo/core';
import {
  type MingoOperators,
  makeContext,
  makeOptions,
  operatorsOf,
  readMingo,
} from '../mingo-operators.js';
import { thaw } from '../thaw.js';
import type { Stage, Stages } from './stage.js';

/** Stages that we leave to mingo. */
const NAMES = ['$densify', '$graphLookup', '$sample'];

const KINDS = ['pipeline', 'projection', 'query', 'window'];

let operators: Context | undefined;

/** What mingo's stages look other operators up in; made at the first use. */
function mingoContext(): Context {
  operators ??= makeContext(Object.fromEntries(KINDS.map((kind) => [kind, operatorsOfKind(kind)])));
  return operators;
}

function operatorsOfKind(kind: string): MingoOperators {
  return operatorsOf(readMingo(`mingo/operators/${kind}`));
}

export const MINGO_STAGES: Stages = Object.fromEntries(NAMES.map((name) => [name, stage(name)]));

/** mingo changes nested objects of its input in place, which stored documents do not allow. */
function stage(name: string): Stage {
  return {
    check: () => {},
    run: function* (documents, operand, context) {
      const options = makeOptions(mingoContext(), {
        collectionResolver: (type: string) => [...context.find(type, {})] as never,
        variables: context.variables as never,
      });
      const { Aggregator } = readMingo('mingo/aggregator');
      const copies = Array.from(documents, (document) => thaw(document) as never);
      yield* new Aggregator([{ [name]: operand }], options).run(copies);
    },
  };
}
