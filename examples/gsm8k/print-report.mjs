import { printTable } from './print.mjs';

/** Each model's answers: as graded by the runs, beside the file's own verdicts. */
export function printAnswers({ models }, verdicts, disagreements) {
  console.log('Answers, from the audit trail and the grades that it names:\n');
  printTable(models, {
    model: nameOf,
    runs: ({ runs }) => runs,
    correct: ({ correct }) => correct,
    accuracy: ({ correct, runs }) => `${((100 * correct) / runs).toFixed(2)} %`,
    'correct, says the file': (row) => verdicts.get(nameOf(row)) ?? '(not in it)',
    tokens: ({ reported, calls, tokens }) => (reported === calls ? tokens : 'not reported'),
    'characters answered': ({ characters }) => characters,
  });
  console.log(`\nGrades that differ from the file's verdict: ${disagreements.length || 'none'}`);
  if (disagreements.length === 0) return;
  printTable(disagreements, {
    model: ({ model }) => model,
    question: ({ n }) => n,
    written: ({ written }) => written ?? '(nothing)',
    parsed: ({ number }) => number ?? '(no number)',
    reference: ({ reference }) => reference,
    'the file says': ({ verdict }) => (verdict ? 'correct' : 'wrong'),
  });
}

/** Where the time went, by model, by stage, and the single slowest stages. */
export function printTimes({ models, stages, slowest }) {
  console.log('\nTime by model, waiting for a turn included:\n');
  printTable(models, {
    model: nameOf,
    'model calls': ({ calls }) => calls,
    'mean call': ({ call_ms, calls }) => `${(call_ms / calls).toFixed(1)} ms`,
    'mean run': ({ stage_ms, runs }) => `${(stage_ms / runs).toFixed(1)} ms`,
  });
  console.log('\nStages, slowest first:\n');
  printTable(stages, {
    stage: ({ _id }) => _id,
    done: ({ count }) => count,
    mean: ({ mean_ms }) => `${mean_ms.toFixed(1)} ms`,
    longest: ({ max_ms }) => `${max_ms} ms`,
    total: ({ total_ms }) => `${(total_ms / 1_000).toFixed(1)} s`,
  });
  console.log('\nThe five slowest:\n');
  printTable(slowest, {
    run: ({ run }) => run,
    stage: ({ path }) => path,
    took: ({ duration_ms }) => `${duration_ms} ms`,
  });
}

/** What is remembered of one run. */
export function printRun(entries) {
  console.log(`\nThe audit trail of ${entries[0]?.run}:\n`);
  printTable(entries, {
    n: ({ n }) => n,
    kind: ({ kind }) => kind,
    stage: ({ path = '' }) => path,
    status: ({ status = '' }) => status,
    'what it says': said,
  });
}

function said({ kind, definitions, request_hash, response, writes, usage }) {
  if (kind === 'llm-call') {
    return `request ${request_hash.slice(0, 12)}…, answer of ${response.text.length} characters`;
  }
  if (kind === 'run-end') return `${usage.calls} model call`;
  const pinned = Object.entries(definitions ?? {}).map(([id, rev]) => `${id} (${rev})`);
  const shown = kind === 'run-start' ? `pinned ${pinned.length} definitions` : pinned.join(', ');
  return writes ? `${shown}, wrote ${writes.map(({ id }) => id).join(', ')}` : shown;
}

function nameOf({ _id }) {
  return _id.replace(/^integration:/, '');
}
