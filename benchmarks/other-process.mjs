/** A second process on a store: it writes for as long as it is told, and says how fast. */
import { open } from 'jdbx';
import { makeDocument } from './documents.mjs';
import { repeatTogether } from './measure.mjs';

const store = await open(process.argv[2], { workers: 1 });
let n = 0;
process.on('message', async (ms) => {
  if (ms === 'end') return store.close().then(() => process.exit());
  const insert = () => store.insert({ ...makeDocument(n), _id: `other:${n++}` });
  return process.send(await repeatTogether(insert, { callers: 1, ms, warmUpMs: 0 }));
});
process.send('open');
