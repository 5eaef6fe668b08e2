import { JdbxError } from '../base/errors.js';
import { isPlainObject, type ValueObject } from '../base/values.js';
import { runStages } from './aggregate.js';
import { checkPipeline, type PipelineStage } from './check-pipeline.js';
import { refuseUpdate } from './update-operators.js';

const ALLOWED = ['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith'];

/** Applies an update that is a list of stages. @throws {JdbxError} INVALID_UPDATE */
export function updateByPipeline(
  document: ValueObject,
  stages: readonly unknown[],
  now: number,
  variables: Readonly<Record<string, unknown>> = {},
): ValueObject {
  checkUpdatePipeline(stages);
  const [result] = asUpdate(() =>
    runStages(stages as readonly PipelineStage[], [document], now, variables),
  );
  if (!isPlainObject(result)) refuseUpdate('', 'expected the stages to give a document');
  return result as ValueObject;
}

/** @throws {JdbxError} INVALID_UPDATE */
export function checkUpdatePipeline(stages: readonly unknown[]): void {
  for (const [at, stage] of stages.entries()) {
    const name = isPlainObject(stage) ? Object.keys(stage)[0] : undefined;
    if (name === undefined || !ALLOWED.includes(name)) {
      refuseUpdate(`update.${at}`, `expected one of ${ALLOWED.join(', ')}, got ${name ?? 'none'}`);
    }
  }
  asUpdate(() => checkPipeline(stages, 'update'));
}

function asUpdate<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const path = cause instanceof JdbxError ? cause.path : undefined;
    throw new JdbxError('INVALID_UPDATE', (cause as Error).message, { path, cause });
  }
}
