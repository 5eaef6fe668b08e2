/**
 * Transformers made of several documents, in TypeScript, with tests:
 *
 *     node examples/transformers/main.mjs
 */
import { open } from 'jdbx';
import { DOCUMENTS, ORDER } from './documents.mjs';

const db = await open(':memory:');
await db.put(DOCUMENTS);

const { passed, failed } = await db.test();
console.log(`tests: ${passed} passed, ${failed} failed`);

const run = await db.run('pipeline:invoice', ORDER);
console.log('invoice:', run.output.total, run.output.fingerprint);
const [stage] = await db.audit.query({ kind: 'stage', run: run.id }).toArray();
console.log('printed:', stage.console.map(({ text }) => text).join());
console.log('used:', Object.keys(stage.definitions).join(', '));

/** What each refusal says. */
async function refused(what, write) {
  const error = await write.catch((thrown) => thrown);
  console.log(`${what}: ${error.message}`);
}
const money = await db.get('transformer:money');
const code = (change) => ({ ...money, _rev: undefined, code: change(money.code) });
await refused(
  'an edit that breaks the tests of an importer',
  db.put(code((text) => text.replace('* 100', '* 10'))),
);
await refused(
  'an edit that takes away a name',
  db.put(code((text) => text.replace('toCents', 'cents'))),
);
await refused('a removal', db.remove('transformer:money'));
await refused('an error in TypeScript', db.put(code((text) => `enum Currency { EUR }\n${text}`)));
await db.close();
