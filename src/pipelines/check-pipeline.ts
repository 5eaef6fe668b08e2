import { JdbxError } from '../base/errors.js';
import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression } from '../query/check-expression.js';
import type { Pipeline, Stage } from './contract.js';

/** The fields that name a kind, in the order in which they decide. */
export const KIND_FIELDS = ['transformer', 'integration', 'pipeline', 'parallel', 'map'] as const;
const TEMPLATE_FIELDS = ['template_ref', 'prompt'] as const;

const STAGE_FIELDS = new Set<string>([
  'name',
  ...KIND_FIELDS,
  ...TEMPLATE_FIELDS,
  'when',
  'inputs',
  'retry',
  'timeout',
  'on_error',
  'session',
  'model',
  'params',
  'key',
  'context',
  'history',
  'at_most_once',
  'description',
]);

/** Names that the context gives a meaning of its own. */
const RESERVED_NAMES = new Set(['input', 'session', 'history']);
const STAGES_MAX = 10_000;

/**
 * Checks a pipeline document and gives it its type.
 *
 * @throws {JdbxError} INVALID_PIPELINE or INVALID_EXPRESSION, with the path
 */
export function checkPipeline(document: { readonly [key: string]: unknown }): Pipeline {
  checkStages(document.stages, 'stages');
  if (document.output !== undefined) checkExpression(document.output, 'output');
  checkMs(document.timeout, 'timeout');
  return document as unknown as Pipeline;
}

function checkStages(stages: unknown, path: string): void {
  if (!Array.isArray(stages) || stages.length === 0) {
    refuse(path, `expected a list of at least one stage, got ${describeType(stages)}`);
  }
  if (stages.length > STAGES_MAX) refuse(path, `expected at most ${STAGES_MAX} stages`);
  const names = new Set<string>();
  stages.forEach((stage, index) => checkStage(stage, `${path}.${index}`, names));
}

function checkStage(stage: unknown, path: string, names: Set<string>): void {
  if (!isPlainObject(stage)) refuse(path, `expected a stage, got ${describeType(stage)}`);
  checkName(stage.name, path, names);
  checkFields(stage, path);
  checkKind(stage, path);
  for (const field of ['when', 'key', 'context'] as const) {
    if (stage[field] !== undefined) checkExpression(stage[field], `${path}.${field}`);
  }
  checkInputs(stage.inputs, `${path}.inputs`);
  checkMs(stage.timeout, `${path}.timeout`);
  checkRetry(stage.retry, `${path}.retry`);
  checkOnError(stage.on_error, `${path}.on_error`);
  checkSession(stage.session, `${path}.session`);
}

function checkName(name: unknown, path: string, names: Set<string>): void {
  if (typeof name !== 'string' || !/^[\p{L}\p{N}_-]{1,100}$/u.test(name)) {
    refuse(`${path}.name`, 'expected 1 to 100 letters, digits, _ or -');
  }
  if (RESERVED_NAMES.has(name)) refuse(`${path}.name`, `expected another name than ${name}`);
  if (names.has(name)) refuse(`${path}.name`, `expected each name once, got ${name} again`);
  names.add(name);
}

function checkFields(stage: Record<string, unknown>, path: string): void {
  const unknown = Object.keys(stage).find((field) => !STAGE_FIELDS.has(field));
  if (unknown === undefined) return;
  refuse(`${path}.${unknown}`, `expected one of ${[...STAGE_FIELDS].join(', ')}`);
}

function checkKind(stage: Record<string, unknown>, path: string): void {
  const kinds = KIND_FIELDS.filter((field) => stage[field] !== undefined);
  const templates = TEMPLATE_FIELDS.filter((field) => stage[field] !== undefined);
  if (kinds.length > 1 || templates.length > 1 || kinds.length + templates.length === 0) {
    const got = [...kinds, ...templates].join(' and ') || 'none';
    refuse(path, `expected one of ${[...KIND_FIELDS, ...TEMPLATE_FIELDS].join(', ')}, got ${got}`);
  }
  const [kind] = kinds;
  if (
    templates.length > 0 &&
    kind !== undefined &&
    kind !== 'transformer' &&
    kind !== 'integration'
  ) {
    refuse(path, `expected no template beside ${kind}`);
  }
  for (const field of [...kinds, ...templates]) checkKindField(stage, field, path);
}

function checkKindField(stage: Record<string, unknown>, field: string, path: string): void {
  const value = stage[field];
  if (field === 'parallel') return checkParallel(value, `${path}.parallel`);
  if (field === 'map') return checkMap(value, `${path}.map`);
  if (typeof value !== 'string' || value === '') {
    refuse(`${path}.${field}`, `expected a document's id, got ${describeType(value)}`);
  }
}

function checkParallel(branches: unknown, path: string): void {
  if (!isPlainObject(branches) || Object.keys(branches).length === 0) {
    refuse(path, 'expected an object of branches, each a list of stages');
  }
  for (const [name, stages] of Object.entries(branches)) {
    checkName(name, `${path}.${name}`, new Set());
    checkStages(stages, `${path}.${name}`);
  }
}

function checkMap(map: unknown, path: string): void {
  if (!isPlainObject(map)) refuse(path, `expected { over, stages }, got ${describeType(map)}`);
  if (map.over === undefined) refuse(`${path}.over`, 'expected an expression that gives an array');
  checkExpression(map.over, `${path}.over`);
  checkStages(map.stages, `${path}.stages`);
  if (map.as !== undefined) checkName(map.as, `${path}.as`, new Set());
  checkWhole(map.concurrency, `${path}.concurrency`, 1, 1_000);
}

function checkInputs(inputs: unknown, path: string): void {
  if (inputs === undefined) return;
  if (!Array.isArray(inputs)) return checkExpression(inputs, path);
  const wrong = inputs.findIndex((name) => typeof name !== 'string' || name === '');
  if (wrong !== -1) refuse(`${path}.${wrong}`, 'expected a name');
}

function checkRetry(retry: unknown, path: string): void {
  if (retry === undefined) return;
  if (!isPlainObject(retry)) refuse(path, 'expected { attempts, backoff, delay_ms, codes }');
  if (retry.attempts === undefined) refuse(`${path}.attempts`, 'expected how many attempts in all');
  checkWhole(retry.attempts, `${path}.attempts`, 1, 100);
  checkWhole(retry.delay_ms, `${path}.delay_ms`, 0, 3_600_000);
  checkWhole(retry.max_delay_ms, `${path}.max_delay_ms`, 0, 3_600_000);
  if (retry.backoff !== undefined && !['exponential', 'constant'].includes(String(retry.backoff))) {
    refuse(`${path}.backoff`, 'expected exponential or constant');
  }
  if (retry.codes !== undefined && !Array.isArray(retry.codes)) {
    refuse(`${path}.codes`, 'expected a list of error codes');
  }
}

function checkOnError(rule: unknown, path: string): void {
  if (rule === undefined || rule === 'fail' || rule === 'continue') return;
  if (isPlainObject(rule) && Object.hasOwn(rule, 'continue')) return;
  refuse(path, 'expected fail, continue or { continue: value }');
}

function checkSession(session: unknown, path: string): void {
  if (session === undefined) return;
  if (!isPlainObject(session)) refuse(path, 'expected update operators');
  for (const [operator, changes] of Object.entries(session)) {
    if (!operator.startsWith('$') || !isPlainObject(changes)) {
      refuse(`${path}.${operator}`, 'expected an update operator with an object of changes');
    }
    for (const [field, value] of Object.entries(changes)) {
      checkExpression(value, `${path}.${operator}.${field}`);
    }
  }
}

function checkMs(value: unknown, path: string): void {
  checkWhole(value, path, 1, 30 * 24 * 3_600_000);
}

function checkWhole(value: unknown, path: string, min: number, max: number): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  refuse(path, `expected a whole number from ${min} to ${max}, got ${String(value)}`);
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_PIPELINE', text, { path });
}

/** The id of the prompt document that a stage names. */
export function templateOf(stage: Stage): string | undefined {
  return stage.template_ref ?? stage.prompt;
}
