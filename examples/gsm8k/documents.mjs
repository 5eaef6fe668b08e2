import { grade, parseAnswer } from './transformers.mjs';

export const PIPELINE = 'pipeline:solve-and-grade';

/** Everything that the job runs is a document. These do not depend on the data. */
export const DEFINITIONS = [
  {
    _id: 'prompt:grade-school-math',
    _type: 'prompt',
    template:
      'Solve the problem step by step. End with a line that holds "A:" and the number.\n\n{question.text}',
    variables: ['question'],
  },
  {
    // One pipeline serves every model: the run's input says which integration is asked.
    _id: 'orchestrator:as-the-task-says',
    _type: 'llm_orchestrator',
    strategy: 'function choose(task) { return task.integration; }',
  },
  {
    _id: 'transformer:parse-answer',
    _type: 'transformer',
    code: String(parseAnswer),
    permissions: [],
  },
  {
    _id: 'transformer:grade',
    _type: 'transformer',
    code: String(grade),
    permissions: ['db.put:grade'],
  },
  {
    _id: PIPELINE,
    _type: 'pipeline',
    stages: [
      // An input that ends in `_id` also hands in the document: here as `question`.
      { name: 'prompt', prompt: 'prompt:grade-school-math', inputs: ['question_id'] },
      {
        name: 'solution',
        integration: 'orchestrator:as-the-task-says',
        key: '$input.question_id',
      },
      { name: 'answer', transformer: 'transformer:parse-answer' },
      {
        name: 'grade',
        transformer: 'transformer:grade',
        inputs: ['answer', 'question_id', 'task'],
        session: {
          $inc: { 'state.graded': 1, 'state.correct': { $cond: ['$grade.correct', 1, 0] } },
        },
      },
    ],
  },
  { _id: 'index:grade.model', _type: 'index', type: 'grade', key: { model: 1, n: 1 } },
];

/** A model whose answers were recorded; a call that was not recorded is an error. */
export function integrationOf(model, delayMs) {
  return {
    _id: integrationId(model),
    _type: 'integration',
    provider: 'recorded',
    model,
    replay_latency: delayMs > 0,
  };
}

/** A model of a real provider, asked with a key from the environment. */
export function realIntegrationOf({ model, fields }) {
  return { _id: integrationId(model), _type: 'integration', ...fields, max_output_tokens: 1_000 };
}

/** Number `n` of the file, from 1; `reference` is the worked solution that ends in `A: 18`. */
export function questionOf(n, { question, ground_truth }) {
  const { number } = parseAnswer({ text: ground_truth });
  if (number === null) throw new Error(`question ${n}: expected a reference that ends in "A: 18"`);
  return {
    _id: questionId(n),
    _type: 'question',
    n,
    text: question,
    reference: ground_truth,
    answer: number,
  };
}

/** What one model once answered. The file's own verdict on it stays out of the store. */
export function recordedCallOf(model, n, { solution }, delayMs) {
  return {
    _id: `recorded_call:${model}:${n}`,
    _type: 'recorded_call',
    integration: integrationId(model),
    key: questionId(n),
    response: { text: solution, model },
    ...(delayMs > 0 ? { latency_ms: delayMs } : {}),
  };
}

/** What one run gets, and the names that make it the same run when it is asked for again. */
export function runOf(model, n) {
  return {
    input: { question_id: questionId(n), task: { model, integration: integrationId(model) } },
    key: `gsm8k:${model}:${n}`,
    session: `session:gsm8k:${model}`,
  };
}

function integrationId(model) {
  return `integration:${model}`;
}

function questionId(n) {
  return `question:${n}`;
}
