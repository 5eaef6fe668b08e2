import { join } from 'node:path';
import { open } from 'jdbx';
import { repeatTogether } from '../measure.mjs';
import { putPromptStages, putTransformerStages } from '../pipelines.mjs';

const STAGES = 10;
const RUNS = 64;

/** Stages a second when 64 runs are under way and share commits. */
export async function run({ directory }) {
  const prompt = await rate(join(directory, 'prompt'), putPromptStages);
  const transformer = await rate(join(directory, 'transformer'), putTransformerStages);
  return {
    'stages of 64 runs, prompt': { value: prompt, unit: '/s' },
    'stages of 64 runs, transformer': { value: transformer, unit: '/s' },
  };
}

async function rate(directory, putStages) {
  const store = await open(directory);
  const pipeline = await putStages(store, STAGES);
  const runs = await repeatTogether(() => store.run(pipeline, { what: 'yes' }), { callers: RUNS });
  await store.close();
  return runs * STAGES;
}
