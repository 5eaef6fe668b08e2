import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import type { EmitStage } from '../pipeline-document.js';

/** Leaves an event that `wait` stages of other runs meet, in the stage's own commit. */
export const emitStage: StageKind = {
  name: 'emit',
  async run({ stage, path, input, context }: StageWork): Promise<StageOutcome> {
    const { event, key, value, once = false, keep_ms } = stage.emit as EmitStage;
    const output = value === undefined ? input : context.require(value, `${path}.emit.value`);
    const correlation = key === undefined ? null : context.require(key, `${path}.emit.key`);
    const emitted = { name: event, key: correlation, value: output, once, keepMs: keep_ms };
    return { output, emitted, facts: { event, once } };
  },
};
