import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { runProgram } from '../programs/run-program.js';

/** Runs a program, whose stages have checkpoints of their own: `program/1/draft`. */
export const programStage: StageKind = {
  name: 'program',
  holdsStages: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const document = work.run.definitions.get(work.stage.program as string);
    const { output, facts } = await runProgram(work, document);
    return { output, facts: { program: document._id, ...facts } };
  },
};
