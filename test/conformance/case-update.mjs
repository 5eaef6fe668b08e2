import { CASE_ID, storeId } from './case-ids.mjs';

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** True for a document that takes another's place: no operator in it. */
export function isReplacement(update) {
  return isObject(update) && !Object.keys(update).some((key) => key.startsWith('$'));
}

/** A case's update over stored documents: an `_id` it sets is the store's, and the case's beside it. */
export function toUpdate(update, type) {
  if (!isObject(update)) return update;
  return Object.fromEntries(
    Object.entries(update).map(([operator, operand]) => [
      operator,
      toOperand(operand, operator, type),
    ]),
  );
}

function toOperand(operand, operator, type) {
  if (!isObject(operand) || !('_id' in operand)) return operand;
  const { _id, ...rest } = operand;
  const sets = operator === '$set' || operator === '$setOnInsert';
  return {
    ...rest,
    _id: sets ? storeId(type, _id) : _id,
    ...(operator === '$setOnInsert' ? { [CASE_ID]: _id } : {}),
  };
}

/**
 * Stages over one document see the case's `_id` in its place; behind them ours is put
 * back, or spoilt when they changed it.
 */
export function toStages(stages, id) {
  const same = { $in: [{ $ifNull: ['$_id', null] }, [null, { $literal: id }]] };
  return [
    { $set: { _id: `$${CASE_ID}`, [CASE_ID]: '$$REMOVE', _type: '$$REMOVE', _rev: '$$REMOVE' } },
    ...stages,
    { $set: { [CASE_ID]: { $literal: id }, _id: { $cond: [same, '$$REMOVE', 'changed'] } } },
  ];
}

/** The ids that the equalities of a filter hold a new document to. */
export function idOf(filter) {
  if (!isObject(filter)) return undefined;
  const { _id } = filter;
  if (isObject(_id) && Object.keys(_id)[0]?.startsWith('$')) return _id.$eq;
  return _id;
}
