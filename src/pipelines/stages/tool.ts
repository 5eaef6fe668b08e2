import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { callTool } from '../tools/call-tool.js';

/** Calls a tool, a transformer or a pipeline with arguments that its schema lets through. */
export const toolStage: StageKind = {
  name: 'tool',
  holdsStages: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const { stage, path, input, context } = work;
    const given =
      stage.arguments === undefined ? input : context.require(stage.arguments, `${path}.arguments`);
    return callTool(work, stage.tool as string, given);
  },
};
