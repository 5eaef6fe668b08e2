import { JdbxError } from '../base/errors.js';
import { isPlainObject, type ValueObject } from '../base/values.js';
import { runStages } from './aggregate.js';
import { checkPipeline } from './check-pipeline.js';
import { refuseUpdate } from './update-operators.js';

const ALLOWED = ['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith'];

/** Applies an update that is a list of stages. @throws {JdbxError} INVALID_UPDATE */
export function updateByPipeline(
  document: ValueObject,
  stages: readonly unknown[],
  now: number,
): ValueObject {
  for (const [at, stage] of stages.entries()) {
    const name = isPlainObject(stage) ? Object.keys(stage)[0] : undefined;
    if (name === undefined || !ALLOWED.includes(name)) {
      refuseUpdate(`update.${at}`, `expected one of ${ALLOWED.join(', ')}, got ${name ?? 'none'}`);
    }
  }
  const [result] = runChecked(document, stages, now);
  if (!isPlainObject(result)) refuseUpdate('', 'expected the stages to give a document');
  return result as ValueObject;
}

function runChecked(document: ValueObject, stages: readonly unknown[], now: number): unknown[] {
  try {
    checkPipeline(stages, 'update');
    return runStages(stages, [document], now);
  } catch (cause) {
    const path = cause instanceof JdbxError ? cause.path : undefined;
    throw new JdbxError('INVALID_UPDATE', (cause as Error).message, { path, cause });
  }
}
