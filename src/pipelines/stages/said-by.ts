import { templateOf } from '../check-pipeline.js';
import type { StageOutcome, StageWork } from '../contract.js';
import { renderPrompt } from '../prompts/render-prompt.js';

/** What goes to the model: the stage's input, or the prompt that the stage names, filled in. */
export function saidBy(work: StageWork): StageOutcome | Promise<StageOutcome> {
  const template = templateOf(work.stage);
  if (template === undefined) return { output: work.input };
  return renderPrompt(work, work.run.definitions.get(template));
}
