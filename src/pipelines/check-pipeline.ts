import { takeValue } from '../base/values.js';
import { checkMeaning } from './check-meaning.js';
import type { Pipeline, Stage } from './pipeline-document.js';
import { checkShape } from './pipeline-schema.js';

/** The fields that name a kind, in the order in which they decide. */
export const KIND_FIELDS = [
  'transformer',
  'integration',
  'pipeline',
  'program',
  'tool',
  'parallel',
  'map',
  'loop',
  'branch',
  'wait',
  'emit',
] as const;

/** Stored documents are frozen and shared, so a document that was found sound stays it. */
const sound = new WeakSet<object>();

/**
 * Checks a pipeline document and gives it its type.
 *
 * @throws {JdbxError} INVALID_PIPELINE or INVALID_EXPRESSION, with the path
 */
export function checkPipeline(document: { readonly [key: string]: unknown }): Pipeline {
  if (sound.has(document)) return document as unknown as Pipeline;
  // As it will be stored: without the fields that are undefined.
  const taken = takeValue(document) as unknown as Pipeline;
  checkShape(taken);
  checkMeaning(taken);
  if (Object.isFrozen(document)) sound.add(document);
  return document as unknown as Pipeline;
}

/**
 * Checks one stage that a program made.
 *
 * @throws {JdbxError} INVALID_PIPELINE or INVALID_EXPRESSION, with the path
 */
export function checkStage(stage: unknown, names: readonly string[]): Stage {
  checkShape({ stages: [stage] });
  checkMeaning({ stages: [stage as Stage] }, names);
  return stage as Stage;
}

/** The id of the prompt document that a stage names. */
export function templateOf(stage: Stage): string | undefined {
  return stage.template_ref ?? stage.prompt;
}
