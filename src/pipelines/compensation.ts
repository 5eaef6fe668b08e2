import type { Value } from '../base/values.js';
import type { Context } from './context.js';
import type { ChildResult } from './contract.js';
import type { Execution } from './execution.js';
import { IDLE, PastRun } from './past-run.js';
import type { Stage } from './pipeline-document.js';
import { childRunId, type RunDocument } from './run-document.js';
import { kindOf } from './stage-kinds.js';
import { Suspended } from './suspended.js';
import { walkStages } from './walk-stages.js';

/** A finished stage that says how it is undone. */
interface UndoableStage {
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
}

/** A child run, whose stages say so themselves. */
interface UndoableRun {
  readonly child: string;
  readonly path: string;
}

/** Undoes a child run's stages as far as they say how. */
export type UndoChild = (run: string, path: string) => Promise<void>;

/**
 * Undoes what finished stages did: the stages that each names as `compensate` run, those of
 * the stage that was committed last first. They have checkpoints like any other, so that
 * this goes on after a crash where it was. A child run is undone by its own stages, unless the
 * stage that called it names what undoes it as a whole.
 *
 * @returns the paths of the stages that were undone
 */
export async function compensate(
  execution: Execution,
  signal: AbortSignal,
  undoChild: UndoChild,
): Promise<string[]> {
  execution.revisit();
  const retrace = new Retrace(execution);
  const { stages } = execution.pipeline();
  await retrace.stages(stages, execution.context(), '', signal).catch(passOver);
  // What has not ended was begun last.
  const commitOf = ({ path }: { readonly path: string }) =>
    execution.commitOf(path) || Number.MAX_SAFE_INTEGER;
  const last = retrace.found.toSorted((left, right) => commitOf(right) - commitOf(left));
  for (const each of last) {
    signal.throwIfAborted();
    if ('child' in each) await undoChild(each.child, each.path);
    else {
      const undo = each.stage.compensate as readonly Stage[];
      await execution.stages(undo, each.context, `${each.path}/compensate/`, signal);
    }
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
  readonly found: (UndoableStage | UndoableRun)[] = [];

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
    // It says itself what undoes the child run.
    if (stage.compensate && (stage.pipeline ?? stage.tool) !== undefined) return;
    const own = context.child({}, context.previous);
    const idle = { attempt: 0, startedAt: this.now(), ...IDLE };
    const work = { stage, path, context: own, run: this, signal, ...idle };
    const workspace = () => this.workspace();
    const start = async () =>
      kind.run({ ...work, workspace, input: own.resolve(stage.inputs, path) });
    await start().catch(passOver);
  }

  override async child(_pipeline: string, _input: Value, path: string): Promise<ChildResult> {
    const child = childRunId(this.id, path);
    const run = this.execution.document(child) as RunDocument | undefined;
    if (run && !(run.compensating && run.ended_at !== undefined)) this.found.push({ child, path });
    const end = this.execution.endOf(path);
    if (!end) throw new Suspended([child]);
    return { run: child, output: end.output };
  }

  /** Pages that are done are gone through all the same: their elements may be undone. */
  override remembers(): boolean {
    return false;
  }
}
