import { Aggregator } from 'mingo/aggregator';
import * as stages from 'mingo/operators/pipeline';
import * as projections from 'mingo/operators/projection';
import * as queries from 'mingo/operators/query';
import * as windows from 'mingo/operators/window';
import { makeContext, makeOptions, operatorsOf } from '../mingo-operators.js';
import { thaw } from '../thaw.js';
import type { Stage, Stages } from './stage.js';

/** Stages that we leave to mingo. */
const NAMES = ['$densify', '$graphLookup', '$sample'];

const CONTEXT = makeContext({
  pipeline: operatorsOf(stages),
  projection: operatorsOf(projections),
  query: operatorsOf(queries),
  window: operatorsOf(windows),
});

export const MINGO_STAGES: Stages = Object.fromEntries(NAMES.map((name) => [name, stage(name)]));

/** mingo changes nested objects of its input in place, which stored documents do not allow. */
function stage(name: string): Stage {
  return {
    check: () => {},
    run: function* (documents, operand, context) {
      const options = makeOptions(CONTEXT, {
        collectionResolver: (type: string) => [...context.find(type, {})] as never,
        variables: context.variables as never,
      });
      const copies = Array.from(documents, (document) => thaw(document) as never);
      yield* new Aggregator([{ [name]: operand }], options).run(copies);
    },
  };
}
