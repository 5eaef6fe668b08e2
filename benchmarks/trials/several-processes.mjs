import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { open } from 'jdbx';
import { makeDocument } from '../documents.mjs';
import { repeat, repeatTogether } from '../measure.mjs';

const OTHER = fileURLToPath(new URL('../other-process.mjs', import.meta.url));
const PART_MS = 1_500;

/** Durable inserts, one caller a process: alone, beside an idle process, and with two that write. */
export async function run({ directory }) {
  const store = await open(directory, { workers: 1 });
  let n = 0;
  const insert = () => store.insert({ ...makeDocument(n), _id: `own:${n++}` });
  const alone = await repeat(insert, { ms: PART_MS });
  const other = fork(OTHER, [directory]);
  await once(other, 'message');
  const beside = await repeat(insert, { ms: PART_MS });
  const answer = once(other, 'message');
  other.send(PART_MS);
  const own = await repeatTogether(insert, { callers: 1, ms: PART_MS, warmUpMs: 0 });
  const [theirs] = await answer;
  const ended = once(other, 'exit');
  other.send('end');
  await ended;
  await store.close();
  return {
    'durable insert, alone': { value: 1e6 / alone.meanUs, unit: '/s' },
    'durable insert, another idle': { value: 1e6 / beside.meanUs, unit: '/s' },
    'durable inserts, two processes': { value: own + theirs, unit: '/s' },
    'of these, by the one with less': { value: Math.min(own, theirs), unit: '/s' },
  };
}
