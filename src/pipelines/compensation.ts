import type { Value } from '../base/values.js';
import type { Context } from './context.js';
import type { Execution } from './execution.js';
import { IDLE, PastRun } from './past-run.js';
import type { Stage } from './pipeline-document.js';
import { kindOf } from './stage-kinds.js';
import { Suspended } from './suspended.js';
import { walkStages } from './walk-stages.js';

/** A finished stage that says how it is undone. */
interface Undoable {
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
}

/**
 * Undoes what finished stages did: the stages that each names as `compensate` run, those of
 * the stage that was committed last first. They have checkpoints like any other, so that
 * this goes on after a crash where it was.
 *
 * @returns the paths of the stages that were undone
 */
export async function compensate(execution: Execution, signal: AbortSignal): Promise<string[]> {
  execution.revisit();
  const retrace = new Retrace(execution);
  const { stages } = execution.pipeline();
  await retrace.stages(stages, execution.context(), '', signal).catch(passOver);
  const last = retrace.found.toSorted(
    (left, right) => execution.commitOf(right.path) - execution.commitOf(left.path),
  );
  for (const { stage, path, context } of last) {
    const undo = stage.compensate as readonly Stage[];
    await execution.stages(undo, context, `${path}/compensate/`, signal);
  }
  return last.map(({ path }) => path);
}

/** Where the run had not come to, there is nothing to undo. */
function passOver(): null {
  return null;
}

/**
 * Goes through a run's stages as the run did, by their checkpoints, and does nothing: a stage
 * without a checkpoint ends its list, as a stage that waits would.
 */
class Retrace extends PastRun {
  readonly found: Undoable[] = [];

  async stages(
    stages: readonly Stage[],
    context: Context,
    prefix: string,
    signal: AbortSignal,
  ): Promise<Value> {
    const endOf = async (stage: Stage, path: string) => {
      const end = this.execution.endOf(path);
      if (end?.status !== 'skipped') await this.#within(stage, path, context, signal);
      if (!end) throw new Suspended([path]);
      return end;
    };
    return walkStages({ stages, context, prefix }, endOf, (stage, path, { status, output }) => {
      if (status !== 'done' || !stage.compensate) return;
      this.found.push({ stage, path, context: context.child({}, output) });
    });
  }

  /** Stages of a container that failed or was not finished are undone too. */
  async #within(stage: Stage, path: string, context: Context, signal: AbortSignal): Promise<void> {
    const kind = kindOf(stage);
    if (!kind.holdsStages) return;
    const own = context.child({}, context.previous);
    const idle = { attempt: 0, startedAt: this.now(), ...IDLE };
    const work = { stage, path, context: own, run: this, signal, ...idle };
    const workspace = () => this.workspace();
    const start = async () =>
      kind.run({ ...work, workspace, input: own.resolve(stage.inputs, path) });
    await start().catch(passOver);
  }

  /** Pages that are done are gone through all the same: their elements may be undone. */
  override remembers(): boolean {
    return false;
  }
}
