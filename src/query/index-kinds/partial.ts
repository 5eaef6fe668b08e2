import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type ValueObject } from '../../base/values.js';
import { readFilter } from '../filter.js';
import type { FilterNode, Test } from '../filter-node.js';
import { refuseIndex } from './refuse.js';

/**
 * Reads the filter of a partial index: what MongoDB lets stand there, which is
 * what a document can be told to meet by itself, without negations.
 * https://www.mongodb.com/docs/manual/core/index-partial/
 *
 * @throws {JdbxError} INVALID_INDEX at `partial`
 */
export function readPartial(partial: unknown): ValueObject {
  if (!isPlainObject(partial)) refuseIndex('partial', 'a filter object', partial);
  checkNode(parse(partial));
  return partial as ValueObject;
}

function parse(partial: unknown): FilterNode {
  try {
    return readFilter(partial).node;
  } catch (cause) {
    throw new JdbxError('INVALID_INDEX', (cause as Error).message, { path: 'partial', cause });
  }
}

const TESTS = new Set(['eq', 'gt', 'gte', 'lt', 'lte', 'in', 'exists', 'type']);

function checkNode(node: FilterNode): void {
  if (node.kind === 'and' || node.kind === 'or') for (const child of node.nodes) checkNode(child);
  else if (node.kind === 'test') checkTest(node.test);
  else refuseIndex('partial', 'conditions without negation or $expr', node.kind);
}

function checkTest(test: Test): void {
  if (!TESTS.has(test.op) || (test.op === 'in' && test.patterns.length > 0))
    refuseIndex('partial', '$eq, $in, $gt, $gte, $lt, $lte, $exists: true or $type', test.op);
}
