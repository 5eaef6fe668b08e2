import { modelsOf } from './load.mjs';

/**
 * One aggregation over the audit trail. The audit documents of one run are brought
 * together first; which grade the run wrote stands in its `grade` stage's record.
 */
export async function readAudit(store) {
  const [report] = await store.aggregate([
    { $match: { _type: 'audit', kind: { $in: ['llm-call', 'stage'] } } },
    { $facet: { models: MODELS, stages: STAGES, slowest: SLOWEST } },
  ]);
  return report;
}

const isCall = { $eq: ['$kind', 'llm-call'] };
const isDone = { $and: [{ $eq: ['$kind', 'stage'] }, { $eq: ['$status', 'done'] }] };

const MODELS = [
  {
    $group: {
      _id: '$run',
      integration: { $max: '$integration' },
      calls: { $sum: { $cond: [isCall, 1, 0] } },
      call_ms: { $sum: { $cond: [isCall, '$latency_ms', 0] } },
      reported: { $sum: { $cond: [{ $gt: ['$usage.output_tokens', null] }, 1, 0] } },
      tokens: { $sum: { $add: ['$usage.input_tokens', '$usage.output_tokens'] } },
      characters: { $sum: { $strLenCP: { $ifNull: ['$response.text', ''] } } },
      stage_ms: { $sum: { $cond: [isDone, '$duration_ms', 0] } },
      writes: { $push: { $ifNull: [{ $first: '$writes.id' }, null] } },
    },
  },
  { $set: { grade: { $max: '$writes' } } },
  { $lookup: { from: 'grade', localField: 'grade', foreignField: '_id', as: 'grade' } },
  {
    $group: {
      _id: '$integration',
      runs: { $sum: 1 },
      correct: { $sum: { $cond: [{ $first: '$grade.correct' }, 1, 0] } },
      calls: { $sum: '$calls' },
      reported: { $sum: '$reported' },
      tokens: { $sum: '$tokens' },
      characters: { $sum: '$characters' },
      call_ms: { $sum: '$call_ms' },
      stage_ms: { $sum: '$stage_ms' },
    },
  },
  { $sort: { _id: 1 } },
];

const STAGES = [
  { $match: { kind: 'stage', status: 'done' } },
  {
    $group: {
      _id: '$path',
      count: { $sum: 1 },
      total_ms: { $sum: '$duration_ms' },
      mean_ms: { $avg: '$duration_ms' },
      max_ms: { $max: '$duration_ms' },
    },
  },
  { $sort: { mean_ms: -1, _id: 1 } },
];

const SLOWEST = [
  { $match: { kind: 'stage', status: 'done' } },
  { $sort: { duration_ms: -1, _id: 1 } },
  { $limit: 5 },
  { $project: { _id: 0, run: 1, path: 1, duration_ms: 1 } },
];

/** What the file itself says of the questions that were asked: how many answers of each model are correct. */
export async function countVerdicts(store, data) {
  const rows = data.slice(0, await store.query({ _type: 'question' }).count());
  const count = (model) => rows.filter((row) => row[model].is_correct).length;
  return new Map(modelsOf(data[0]).map((model) => [model, count(model)]));
}

/** Every grade that differs from the file's own verdict on the same answer. */
export async function findDisagreements(store, data) {
  const grades = await store.query({ _type: 'grade' }).sort({ model: 1, n: 1 });
  return (
    grades
      // Of what a real provider answers, the file knows nothing.
      .filter(({ model, n }) => data[n - 1][model] !== undefined)
      .filter(({ model, n, correct }) => data[n - 1][model].is_correct !== correct)
      .map(({ model, n, written, number, reference }) => {
        return { model, n, written, number, reference, verdict: data[n - 1][model].is_correct };
      })
  );
}
