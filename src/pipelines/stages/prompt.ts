import { templateOf } from '../check-pipeline.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { renderPrompt } from '../prompts/render-prompt.js';

/**
 * Renders a prompt document. The output is what an integration stage takes:
 * `{ prompt, system?, model?, settings }`.
 */
export const promptStage: StageKind = {
  name: 'prompt',
  async run(work: StageWork): Promise<StageOutcome> {
    const document = work.run.definitions.get(templateOf(work.stage) as string);
    const { output, facts } = await renderPrompt(work, document);
    return { output, facts: { prompt: document._id, ...facts } };
  },
};
