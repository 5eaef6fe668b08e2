import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { open } from 'jdbx';
import { OFFLINE, realProvider } from '../real-provider.mjs';
import { runJob } from './job.mjs';
import { readRows } from './load.mjs';
import { progressPrinter } from './print.mjs';
import { printAnswers, printRun, printTimes } from './print-report.mjs';
import { countVerdicts, findDisagreements, readAudit } from './report.mjs';

const SAMPLE = fileURLToPath(new URL('sample.jsonl', import.meta.url));
const REAL = '../../../shared/data/gsm8k-model-solutions.jsonl';
const USAGE = `node examples/gsm8k/main.mjs [FILE] [options]

  FILE             gsm8k-model-solutions.jsonl; without it a small made-up sample is used
  --store DIR      where to keep the store; run it again to go on where it stopped
                   (default: a fresh directory that is removed at the end)
  --keep           do not remove that fresh directory
  --concurrency N  runs under way at once (default 32)
  --limit N        take the first N questions only
  --delay MS       let each recorded model take this long to answer (default 0)
  --real N         where OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or MISTRAL_API_KEY is
                   set, ask that provider the first N questions too (default 10)`;

const { values, positionals } = readArguments();
const path = positionals[0] ?? SAMPLE;
const real = values.real > 0 ? realProvider() : undefined;
const directory = values.store ?? (await mkdtemp(join(tmpdir(), 'jdbx-gsm8k-')));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (values.store === undefined && !values.keep) await rm(directory, { recursive: true });
}

async function main() {
  const data = await readRows(path);
  introduce(data);
  const store = await open(directory);
  try {
    return await runAndReport(store, data);
  } finally {
    await store.close();
  }
}

async function runAndReport(store, data) {
  const startedAt = performance.now();
  const { concurrency, limit, delay: delayMs, real: realLimit } = values;
  const onProgress = progressPrinter('runs');
  const { models, runs, earlier, failures } = await runJob({
    store,
    data,
    concurrency,
    limit,
    delayMs,
    real,
    realLimit,
    onProgress,
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`\n${runs} runs in ${seconds.toFixed(1)} s, ${failures.length} of them failed.`);
  if (earlier > 0) console.log(`${earlier} of them were finished before, by an earlier process.`);
  console.log();
  for (const { message } of failures.slice(0, 10)) console.log(`  ${message}`);
  const audit = await readAudit(store);
  const disagreements = await findDisagreements(store, data);
  printAnswers(audit, await countVerdicts(store, data), disagreements);
  printTimes(audit);
  printRun(await store.audit.ofRun(`run:gsm8k:${models[0]}:1`));
  const sound = await verify(store);
  if (values.store !== undefined || values.keep) console.log(`\nThe store is in ${directory}`);
  return failures.length === 0 && disagreements.length === 0 && sound ? 0 : 1;
}

async function verify(store) {
  const { ok, verified, broken } = await store.audit.verify();
  const verdict = ok
    ? 'its chain of hashes is sound'
    : `it breaks at ${broken.id}: ${broken.reason}`;
  console.log(`\nThe audit trail holds ${verified} documents; ${verdict}.`);
  return ok;
}

function introduce(data) {
  console.log(real ? `${real.says} The first ${values.real} questions only.` : OFFLINE);
  console.log(`${data.length} questions from ${path}`);
  if (path !== SAMPLE) return;
  console.log(
    'This sample is made up for the demo: its questions, models and answers are invented.',
  );
  const answers = fileURLToPath(new URL(REAL, import.meta.url));
  const hint = existsSync(answers) ? relative(process.cwd(), answers) : basename(answers);
  console.log(`For the real answers of four models: node examples/gsm8k/main.mjs ${hint}\n`);
}

function readArguments() {
  try {
    const options = { type: 'string' };
    const { values: given, positionals: files } = parseArgs({
      allowPositionals: true,
      options: {
        store: options,
        concurrency: { ...options, default: '32' },
        limit: options,
        delay: { ...options, default: '0' },
        real: { ...options, default: '10' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (given.help) exitWith(0, USAGE);
    const concurrency = whole('--concurrency', given.concurrency, 1);
    const limit = given.limit === undefined ? undefined : whole('--limit', given.limit, 1);
    const delay = whole('--delay', given.delay, 0);
    const asked = whole('--real', given.real, 0);
    return { values: { ...given, concurrency, limit, delay, real: asked }, positionals: files };
  } catch (error) {
    return exitWith(2, `${error.message}\n\n${USAGE}`);
  }
}

function whole(name, text, least) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`${name}: expected a whole number from ${least}, got ${text}`);
}

function exitWith(code, text) {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}
