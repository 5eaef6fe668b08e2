// A wait stage ends by a person's answer, a signal, an event or a time. Meanwhile the run is
// a document, and the process may end.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put({
  _id: 'pipeline:refund',
  _type: 'pipeline',
  stages: [
    {
      name: 'approve',
      wait: {
        answer: {
          question: { $concat: ['Refund ', { $toString: '$input.amount' }, '?'] },
          schema: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } },
        },
      },
      timeout: 7 * 24 * 3_600_000,
      on_error: { continue: { ok: false } },
    },
    { name: 'cool-off', wait: { ms: 20 } },
    { name: 'paid', when: '$approve.ok', wait: { signal: 'paid' } },
  ],
  output: { ok: '$approve.ok', by: '$paid.by' },
});
const { id, status } = await db.run('pipeline:refund', { amount: 40 });
const [wait] = await db.waits({ kind: 'answer' });
console.log(status, wait.question);
// waiting Refund 40?
await db.answer(id, 'approve', { ok: 'yes' }).catch(({ code, path }) => console.log(code, path));
// SCHEMA_VIOLATION ok
await db.answer(id, 'approve', { ok: true });
await db.answer(id, 'approve', { ok: false }).catch(({ code }) => console.log(code));
// WAIT_ANSWERED
await db.signal(id, 'paid', { by: 'bank' }); // kept until the run comes to it
console.log((await db.ended(id)).output);
// { ok: true, by: 'bank' }
await db.close();
