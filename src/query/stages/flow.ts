import { isPlainObject } from '../../base/values.js';
import { describe, refuse } from '../expressions/operator.js';
import { compileFilter } from '../filter.js';
import { compileNode } from '../match.js';
import { parseFilter } from '../parse-filter.js';
import { compareFields, readSort, sortableMaker } from '../sort.js';
import type { Stage, Stages } from './stage.js';

/** Stages that choose documents and put them in order. */
export const FLOW_STAGES: Stages = {
  $match: {
    check: (filter) => void parseFilter(filter),
    run: function* (documents, filter, context) {
      const bound = Object.keys(context.variables).length > 0;
      const test = bound
        ? compileNode(parseFilter(filter), (expression, document) =>
            context.scope(document).value(expression),
          )
        : compileFilter(filter);
      for (const document of documents) if (test(document)) yield document;
    },
  },
  $sort: sort(),
  $skip: {
    check: (count) => checkCount('$skip', count, 0),
    run: function* (documents, count: number) {
      let left = count;
      for (const document of documents) if (left-- <= 0) yield document;
    },
  },
  $limit: {
    check: (count) => checkCount('$limit', count, 1),
    run: function* (documents, count: number) {
      let left = count;
      for (const document of documents) {
        yield document;
        if (--left <= 0) return;
      }
    },
  },
  $documents: {
    check: (operand) => {
      const later =
        isPlainObject(operand) || (typeof operand === 'string' && operand.startsWith('$'));
      if (!Array.isArray(operand) && !later) refuse('$documents', 'an array', describe(operand));
    },
    run: function* (_documents, operand, context) {
      const documents = context.scope({}).value(operand);
      if (!Array.isArray(documents)) refuse('$documents', 'an array', describe(documents));
      for (const document of documents) {
        if (!isPlainObject(document)) refuse('$documents', 'objects', describe(document));
        yield document;
      }
    },
  },
};

function checkCount(name: string, count: unknown, least: number): void {
  if (!Number.isInteger(count) || Number(count) < least || Number(count) >= 2 ** 63)
    refuse(name, `a whole number from ${least}`, describe(count));
}

/** Ties keep their order, as a stable sort does. */
function sort(): Stage {
  const read = (operand: unknown) => {
    const order = isPlainObject(operand) ? readSort(operand) : undefined;
    if (!order) return refuse('$sort', 'paths to sort by', describe(operand));
    const fields = order.byId
      ? [...order.fields, { path: '_id', direction: order.idDirection }]
      : order.fields;
    return { ...order, fields };
  };
  return {
    check: (operand) => void read(operand),
    run: function* (documents, operand) {
      const order = read(operand);
      const items = Array.from(documents, sortableMaker(order)).sort(compareFields(order));
      for (const { document } of items) yield document;
    },
  };
}
