import { join } from 'node:path';
import { open } from 'jdbx';
import { makeDocument } from '../documents.mjs';
import { repeat, repeatTogether } from '../measure.mjs';

/** Inserts that are on the disk when they return: by one caller, and by a hundred who share commits. */
export async function run({ directory }) {
  const alone = await open(join(directory, 'alone'));
  const { medianUs } = await repeat((n) => alone.insert(makeDocument(n)));
  await alone.close();
  const shared = await open(join(directory, 'shared'));
  const rate = await repeatTogether((n) => shared.insert(makeDocument(n)), { callers: 100 });
  await shared.close();
  return {
    'durable insert, one caller': {
      value: medianUs,
      unit: 'µs',
      floor: 'raw LMDB commit, bytes of an insert',
    },
    'durable inserts, 100 callers': {
      value: rate,
      unit: '/s',
      floor: 'raw LMDB puts, 100 callers',
    },
  };
}
