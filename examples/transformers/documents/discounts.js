/**
 * The share that an order of a customer's group is reduced by: the document `discount:GROUP`.
 *
 * @param {string} group
 * @returns {number}
 */
export function discountOf(group) {
  const found = db.get(`discount:${group}`);
  if (!found) throw new JdbxError('UNKNOWN_GROUP', group);
  return found.share;
}
