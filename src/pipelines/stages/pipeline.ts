import type { StageKind, StageOutcome, StageWork } from '../contract.js';

/** Runs another pipeline as a child run, with the stage's input as its input. */
export const pipelineStage: StageKind = {
  name: 'pipeline',
  holdsStages: true,
  async run({ stage, path, input, run, signal }: StageWork): Promise<StageOutcome> {
    const child = await run.child(stage.pipeline as string, input, path, signal);
    return { output: child.output, facts: { child_run: child.run } };
  },
};
