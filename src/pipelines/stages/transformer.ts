import type { Value } from '../../base/values.js';
import { isPlainObject } from '../../base/values.js';
import { templateOf } from '../check-pipeline.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';

/**
 * Runs a transformer document's function on the stage's input, with its own database
 * rights. With a `template_ref` beside it, the prompt document is handed in as `prompt`.
 */
export const transformerStage: StageKind = {
  name: 'transformer',
  async run(work: StageWork): Promise<StageOutcome> {
    const document = work.run.definitions.get(work.stage.transformer as string);
    const { value, facts } = await callGuest(work, {
      document,
      field: 'code',
      input: withTemplate(work),
    });
    return { output: value, facts: { transformer: document._id, ...facts } };
  },
};

function withTemplate({ stage, run, input }: StageWork): Value {
  const template = templateOf(stage);
  if (template === undefined) return input;
  const prompt = run.definitions.get(template);
  return isPlainObject(input) ? { ...(input as object), prompt } : { input, prompt };
}
