import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { checkpointId } from '../run-document.js';

/** Keeps what a program hands to `checkpoint`; the session's list of checkpoints names it. */
export const checkpointStage: StageKind = {
  name: 'checkpoint',
  async run({ input, run, path }: StageWork): Promise<StageOutcome> {
    return { output: input, facts: { state_ref: checkpointId(run.id, path) } };
  },
};
