import { describeType, isPlainObject } from '../base/values.js';
import { checkExpression } from '../query/check-expression.js';
import {
  COMMON_FIELDS,
  checkKnown,
  checkMs,
  type FieldCheck,
  INTEGRATION_FIELDS,
  refuse,
  shape,
  whole,
} from './check-fields.js';
import type { Pipeline, Stage } from './pipeline-document.js';

/** The fields that name a kind, in the order in which they decide. */
export const KIND_FIELDS = ['transformer', 'integration', 'pipeline', 'parallel', 'map'] as const;
const TEMPLATE_FIELDS = ['template_ref', 'prompt'] as const;
type Kind = (typeof KIND_FIELDS)[number];

/** Names that the context gives a meaning of its own. */
const RESERVED_NAMES = new Set(['input', 'session', 'history']);
const STAGES_MAX = 10_000;
const CONCURRENCY_MAX = 1_000;

/**
 * Checks a pipeline document and gives it its type.
 *
 * @throws {JdbxError} INVALID_PIPELINE or INVALID_EXPRESSION, with the path
 */
export function checkPipeline(document: { readonly [key: string]: unknown }): Pipeline {
  checkStages(document.stages, 'stages');
  if (document.output !== undefined) checkExpression(document.output, 'output');
  if (document.timeout !== undefined) checkMs(document.timeout, 'timeout');
  return document as unknown as Pipeline;
}

/** The id of the prompt document that a stage names. */
export function templateOf(stage: Stage): string | undefined {
  return stage.template_ref ?? stage.prompt;
}

function checkStages(stages: unknown, path: string): void {
  if (!Array.isArray(stages) || stages.length === 0) {
    refuse(path, `expected a list of at least one stage, got ${describeType(stages)}`);
  }
  if (stages.length > STAGES_MAX) refuse(path, `expected at most ${STAGES_MAX} stages`);
  const names = new Set<string>();
  for (const [index, stage] of stages.entries()) checkStage(stage, `${path}.${index}`, names);
}

function checkStage(stage: unknown, path: string, names: Set<string>): void {
  if (!isPlainObject(stage)) refuse(path, `expected a stage, got ${describeType(stage)}`);
  checkName(stage.name, `${path}.name`);
  if (names.has(stage.name)) {
    refuse(`${path}.name`, `expected each name once, got ${stage.name} again`);
  }
  names.add(stage.name);
  const fields = fieldsFor(kindOf(stage, path));
  checkKnown(stage, Object.keys(fields), path);
  for (const [field, check] of Object.entries(fields)) {
    if (stage[field] !== undefined) check(stage[field], `${path}.${field}`);
  }
}

function checkName(name: unknown, path: string): asserts name is string {
  if (typeof name !== 'string' || !/^[\p{L}\p{N}_-]{1,100}$/u.test(name)) {
    refuse(path, 'expected 1 to 100 letters, digits, _ or -');
  }
  if (RESERVED_NAMES.has(name)) refuse(path, `expected another name than ${name}`);
}

/** The kind that a stage's fields name: just one, or a template alone. */
function kindOf(stage: Record<string, unknown>, path: string): Kind | undefined {
  const kinds = KIND_FIELDS.filter((field) => stage[field] !== undefined);
  const templates = TEMPLATE_FIELDS.filter((field) => stage[field] !== undefined);
  if (kinds.length > 1 || templates.length > 1 || kinds.length + templates.length === 0) {
    const got = [...kinds, ...templates].join(' and ') || 'none';
    refuse(path, `expected one of ${[...KIND_FIELDS, ...TEMPLATE_FIELDS].join(', ')}, got ${got}`);
  }
  return kinds[0];
}

/** A field that its kind would ignore is not among them, so it is refused. */
function fieldsFor(kind: Kind | undefined): Readonly<Record<string, FieldCheck>> {
  const templates = { template_ref: id, prompt: id };
  switch (kind) {
    case 'transformer':
      return { ...COMMON_FIELDS, ...templates, transformer: id };
    case 'integration':
      return { ...COMMON_FIELDS, ...templates, ...INTEGRATION_FIELDS, integration: id };
    case 'pipeline':
      return { ...COMMON_FIELDS, pipeline: id };
    case 'parallel':
      return { ...COMMON_FIELDS, parallel: checkParallel };
    case 'map': {
      const { inputs: _, ...common } = COMMON_FIELDS;
      return { ...common, map: checkMap };
    }
    default:
      return { ...COMMON_FIELDS, ...templates };
  }
}

const id: FieldCheck = (value, path) => {
  if (typeof value === 'string' && value !== '') return;
  refuse(path, `expected a document's id, got ${describeType(value)}`);
};

const checkParallel: FieldCheck = (branches, path) => {
  if (!isPlainObject(branches) || Object.keys(branches).length === 0) {
    refuse(path, 'expected an object of branches, each a list of stages');
  }
  for (const [name, stages] of Object.entries(branches)) {
    checkName(name, `${path}.${name}`);
    checkStages(stages, `${path}.${name}`);
  }
};

const checkMap: FieldCheck = shape(
  {
    over: (value, path) => checkExpression(value, path),
    as: checkName,
    stages: checkStages,
    concurrency: whole(1, CONCURRENCY_MAX),
  },
  ['over', 'stages'],
);
