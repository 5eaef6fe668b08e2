// A program is a pipeline that is written as code. Each stage that it asks for has a commit of
// its own; killed anywhere, it runs again and is handed what its stages gave before.
import { open } from 'jdbx';

const db = await open(':memory:');
await db.put([
  { _id: 'transformer:double', _type: 'transformer', code: 'export default (n) => n * 2' },
  {
    _id: 'engine:doubling',
    _type: 'execution_engine',
    code: `async function run({ until }, { executeStage, checkpoint }) {
      let n = 1;
      while (n < until) {
        n = await executeStage({ name: 'double', transformer: 'transformer:double' }, n);
        await checkpoint({ n });
      }
      const asked = { name: 'ask', wait: { answer: { question: '$n' } } };
      const [approved, half] = await Promise.all([
        executeStage(asked, { n }),
        executeStage({ name: 'half', transformer: 'transformer:double' }, n / 4),
      ]);
      return { n, approved, half };
    }`,
  },
]);
const { id, status } = await db.run('engine:doubling', { until: 10 });
console.log(status, (await db.waits().first()).question);
// waiting 16
await db.answer(id, 'program/9/ask', true);
console.log((await db.ended(id)).output);
// { n: 16, approved: true, half: 8 }
console.log((await db.replay(id)).same);
// true
await db.close();
