// `node fault-child.mjs STORE [SIZE]`: writes until a write fails, then tries to go on, and tells.
import { setTimeout } from 'node:timers/promises';
import { open } from '#jdbx/index.js';

const [path, size = '100'] = process.argv.slice(2);
const facts = { acknowledged: [], first: null, later: [], closed: null };
const db = await open(path, { retentionIntervalMs: 0 });
for (let n = 0; n < 160 && facts.first === null; n++) {
  try {
    await db.put({ _id: `n${n}`, _type: 'note', n, text: 'x'.repeat(Number(size)) });
    facts.acknowledged.push(n);
    // Lets the engine behind take in now and then.
    if (n % 20 === 19) await setTimeout(250);
  } catch (error) {
    facts.first = error.code ?? String(error);
  }
}
for (let n = 0; n < 3; n++) {
  facts.later.push(
    await db.put({ _id: `later${n}`, _type: 'note' }).then(
      () => 'ok',
      (error) => error.code,
    ),
  );
}
facts.read = (await db.get('n0'))?.n;
facts.closed = await db.close().then(
  () => 'ok',
  (error) => error.code,
);
process.stdout.write(JSON.stringify(facts));
process.exit(0);
