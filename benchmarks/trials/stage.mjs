import { join } from 'node:path';
import { open } from 'jdbx';
import { repeat } from '../measure.mjs';
import { putPromptStages, putTransformerStages } from '../pipelines.mjs';

const STAGES = 20;

/** A stage with its checkpoint and audit record, one after the other in one run at a time. */
export async function run({ directory }) {
  const prompt = await timeStage(join(directory, 'prompt'), putPromptStages);
  const transformer = await timeStage(join(directory, 'transformer'), putTransformerStages);
  return {
    'stage with checkpoint, prompt': {
      value: prompt,
      unit: 'µs',
      floor: 'raw LMDB commit, bytes of a stage',
    },
    'stage with checkpoint, transformer': {
      value: transformer,
      unit: 'µs',
      floor: 'raw LMDB commit, bytes of a stage',
    },
  };
}

/** The start and end of the run, a commit each, are counted as its stages' cost. */
async function timeStage(directory, putStages) {
  const store = await open(directory);
  const pipeline = await putStages(store, STAGES);
  const { medianUs } = await repeat(() => store.run(pipeline, { what: 'yes' }));
  await store.close();
  return medianUs / STAGES;
}
