import { casesFolder, FILES, rate, runFile } from './cases.mjs';

/** `node test/conformance/run.mjs [--fails]`: every case, plainly and with an index on every path. */
const folder = casesFolder();
if (!folder) {
  console.log('The cases are not here: ../shared/conformance is absent. Nothing was run.');
} else {
  await runAll(folder, process.argv.includes('--fails'));
}

async function runAll(cases, showsFailures) {
  console.log(
    'file        passed / all       %       answered        refused   listed   % of the rest   with --index',
  );
  for (const file of FILES) {
    const plain = await runFile(cases, file);
    const indexed = await runFile(cases, file, { index: true });
    console.log(row(plain, indexed));
    if (showsFailures) for (const id of unknown(plain)) console.log(`  ${id}`);
  }
}

function row(plain, indexed) {
  const { file, passed, total, known } = plain;
  const strict = ((100 * passed) / total).toFixed(2);
  const same = plain.failed.join() === indexed.failed.join();
  return [
    file.padEnd(11),
    `${passed} / ${total}`.padStart(12),
    strict.padStart(7),
    plain.answers.join(' / ').padStart(14),
    plain.refusals.join(' / ').padStart(14),
    String(known.length).padStart(8),
    rate(plain).toFixed(2).padStart(15),
    `   ${same ? 'the same' : `${indexed.passed} / ${indexed.total}`}`,
  ].join(' ');
}

function unknown({ failed, known }) {
  const differences = new Set(known);
  return failed.filter((id) => !differences.has(id));
}
