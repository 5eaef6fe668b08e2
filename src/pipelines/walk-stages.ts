import type { Value } from '../base/values.js';
import type { Context } from './context.js';
import type { Stage } from './pipeline-document.js';
import type { StageEnd } from './stage-run.js';

/** A list of stages, and where it stands in its run. */
export interface StageList {
  readonly stages: readonly Stage[];
  readonly context: Context;
  /** Put before the stages' paths. */
  readonly prefix: string;
}

/**
 * Goes through a list of stages in order, past those that a failed one jumps over, and gives
 * the last output. Each end is taken into the context before the next stage has its turn.
 *
 * @param endOf runs the stage, or finds how it ended
 * @param taken told of each end once the context holds it
 */
export async function walkStages(
  { stages, context, prefix }: StageList,
  endOf: (stage: Stage, path: string) => StageEnd | Promise<StageEnd>,
  taken: (stage: Stage, path: string, end: StageEnd) => void = () => {},
): Promise<Value> {
  let goto: string | undefined;
  for (const stage of stages) {
    if (goto !== undefined && stage.name !== goto) {
      context.skip(stage.name);
      continue;
    }
    const path = prefix + stage.name;
    const end = await endOf(stage, path);
    goto = follow(context, stage.name, end);
    taken(stage, path, end);
  }
  return context.previous;
}

/** Takes a stage's end into the context; gives the stage at which the run goes on, if it jumps. */
function follow(context: Context, name: string, end: StageEnd): string | undefined {
  if (end.status === 'skipped') context.skip(name);
  else context.set(name, end.output);
  if (end.failure) context.name('error', end.failure.error as unknown as Value);
  return end.failure?.goto;
}
