import { open } from 'jdbx';
import { OFFLINE, realProvider } from '../real-provider.mjs';
import { MORE_DOCUMENTS } from './more-documents.mjs';
import { realModels } from './real-models.mjs';
import { SEED_DOCUMENTS } from './seed-documents.mjs';

const real = realProvider();
console.log(real?.says ?? OFFLINE);

// In memory, so that it starts anew each time; a folder's path would keep it.
const db = await open(':memory:');
await db.put([...SEED_DOCUMENTS, ...MORE_DOCUMENTS]);
if (real) await db.put(realModels(real, MORE_DOCUMENTS));

title('The pipeline: context, prompt, model, parsing, quality');
const session = 'session:project-x-2024-01-15';
const run = await db.run('pipeline:code-generation', {
  project_id: 'project:x',
  session_id: session,
});
console.log(run.output.code);
console.log('\nchecks:', run.output.checks, 'score:', run.output.score, 'used:', run.usage);

title('Its audit trail');
console.table((await db.audit.ofRun(run.id)).map(row), ['n', 'kind', 'stage', 'status', 'what']);
const { state, turns, checkpoints } = await db.get(session);
console.log('session:', { token_count: state.token_count, turns, checkpoints: checkpoints.length });

title('A prompt, filled in');
const greeting = await db.run('pipeline:greeting', { context: 'You answer in one sentence.' });
console.log(greeting.output);

title('The adaptive prompt: refused until its document lists what it does');
const task = { description: 'read a file safely', domain: 'error_handling' };
const adaptive = () =>
  db.run('pipeline:adaptive-prompt', { session_id: 'session:project-x-2024-01-16', task });
const refused = await adaptive().catch((error) => error);
console.log(refused.cause.message, '\n');
await db.update('prompt:adaptive-context', {
  $set: { permissions: ['db.get:prompt', 'db.query:pattern'] },
});
console.log((await adaptive()).output.prompt);

title('The orchestrator: its strategy picks, its fallback chain follows');
for (const type of ['code_generation', 'documentation']) {
  const { id, output } = await db.run('pipeline:orchestrated', {
    task: { type, complexity: 0.9 },
    question: 'Files are read at the start. Errors keep their cause.\n\nWhat do errors keep?',
  });
  const calls = await db.audit.query({ run: id, kind: 'llm-call' });
  const asked = calls.map(({ integration, error }) => `${integration} (${error?.code ?? 'ok'})`);
  console.log(`${type}: ${asked.join(', then ')}: ${output.text}`);
}

title('The response parser');
console.log((await db.run('pipeline:parse', { text: '{ "answer": 42 }' })).output);

title('The execution engine: a program whose stages are kept, one by one');
await db.update('engine:llm-runtime', {
  $set: {
    permissions: ['db.get'],
    stages: [
      { name: 'loadPatterns', transformer: 'transformer:find-patterns' },
      { name: 'allocateResources', transformer: 'transformer:allocate' },
    ],
  },
});
const engine = await db.run('engine:llm-runtime', { task_id: 'task:1' }, { session });
console.log(engine.output.patterns, engine.output.question.prompt, engine.output.length);
const ends = await db.audit.query({ run: engine.id, kind: 'stage' });
console.log(ends.map(({ path }) => path).join(' '));

title('The whole chain of hashes');
console.log(await db.audit.verify());
await db.close();

function title(text) {
  console.log(`\n=== ${text}\n`);
}

function row({ n, kind, path, status, ...facts }) {
  return { n, kind, stage: path ?? '', status: status ?? '', what: whatOf(kind, facts) };
}

function whatOf(kind, { definitions, model, usage, latency_ms, duration_ms }) {
  const pinned = Object.entries(definitions ?? {}).map(([id, rev]) => `${id}@${rev}`);
  if (kind === 'run-start') return `${pinned.length} definitions pinned`;
  if (kind === 'llm-call') return `${model}, ${usage.output_tokens} tokens, ${latency_ms} ms`;
  if (kind === 'run-end') return `${usage.calls} model call, ${duration_ms} ms`;
  return `${pinned.join(', ')}, ${duration_ms} ms`;
}
