import { open } from 'jdbx';
import { modelsOf } from '../../examples/gsm8k/load.mjs';
import { jobRows } from './job-rows.mjs';
import { STAGES } from './kill-job.mjs';

/** One sentence for everything in the store that is not as one undisturbed job leaves it. */
export async function verifyJob(directory, rowCount) {
  const rows = await jobRows(rowCount);
  const models = modelsOf(rows[0]);
  const keys = models.flatMap((model) => rows.map((_, at) => ({ model, n: at + 1 })));
  const runs = keys.map(({ model, n }) => `run:gsm8k:${model}:${n}`);
  const steps = runs.flatMap((run) => STAGES.map((path) => ({ run, path })));
  const store = await open(directory, { resume: false });
  try {
    const found = (filter) => store.query(filter).toArray();
    const check = await store.check();
    const verdict = await store.audit.verify();
    return [
      ...check.problems,
      ...(verdict.ok ? [] : [`audit: ${verdict.broken.id}: ${verdict.broken.reason}`]),
      ...compare('grades', keys.map(gradeId), idsOf(await found({ _type: 'grade' }))),
      ...compare(
        'checkpoints',
        steps.map(checkpointId),
        idsOf(await found({ _type: 'checkpoint' })),
      ),
      ...compare('completed runs', runs, idsOf(await found({ _type: 'run', status: 'completed' }))),
      ...compare('runs', runs, idsOf(await found({ _type: 'run' }))),
      ...compare('stage records', steps.map(stepName), await audited(store, 'stage', stepName)),
      ...compare('model calls', runs, await audited(store, 'llm-call', ({ run }) => run)),
      ...compare('run starts', runs, await audited(store, 'run-start', ({ run }) => run)),
      ...compare('run ends', runs, await audited(store, 'run-end', ({ run }) => run)),
      ...rewritten(await found({ _type: { $in: ['grade', 'checkpoint', 'turn'] } })),
      ...(await sessionProblems(store, models, rows)),
    ];
  } finally {
    await store.close();
  }
}

const gradeId = ({ model, n }) => `grade:${model}:${n}`;
const checkpointId = ({ run, path }) => `checkpoint:${run}:${path}`;
const stepName = ({ run, path, status = 'done' }) => `${run} ${path} ${status}`;
const idsOf = (documents) => documents.map(({ _id }) => _id);

async function audited(store, kind, nameOf) {
  return (await store.audit.query({ kind })).map(nameOf);
}

/** As multisets: nothing missing, nothing more, nothing twice. */
function compare(what, expected, found) {
  const counts = new Map(expected.map((name) => [name, 1]));
  for (const name of found) counts.set(name, (counts.get(name) ?? 0) - 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${what}: ${name} ${count > 0 ? 'is missing' : 'is there too often'}`);
}

/** What a stage writes once has one revision; a second one is an effect that happened twice. */
function rewritten(documents) {
  return documents
    .filter(({ _rev }) => _rev !== 1)
    .map(({ _id, _rev }) => `${_id} was written ${_rev} times`);
}

async function sessionProblems(store, models, rows) {
  const problems = [];
  for (const model of models) {
    const _id = `session:gsm8k:${model}`;
    const { state, turns, usage } = await store.get(_id);
    const correct = rows.filter((row) => row[model].is_correct).length;
    const numbers = (await store.query({ _type: 'turn', session: _id })).map(({ n }) => n);
    const expected = {
      [`${_id} graded`]: [rows.length, state.graded],
      [`${_id} correct`]: [correct, state.correct],
      [`${_id} turns`]: [2 * rows.length, turns],
      [`${_id} calls`]: [rows.length, usage.calls],
      [`${_id} different turns`]: [2 * rows.length, new Set(numbers).size],
    };
    for (const [what, [wanted, got]] of Object.entries(expected)) {
      if (wanted !== got) problems.push(`${what}: expected ${wanted}, got ${got}`);
    }
  }
  return problems;
}
