import { ERROR_CODES, JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import { checkExpression } from '../query/check-expression.js';
import { referencedNames } from '../query/referenced-names.js';
import { listsIn, type Pipeline, type Stage } from './pipeline-document.js';
import { checkSessionUpdate, expressionsInUpdate } from './session-update.js';
import { checkValueSchema } from './value-schema.js';

/** Names that the context gives a meaning of its own. */
const CONTEXT_NAMES = ['input', 'session', 'session_id', 'history', 'error'];

/**
 * Checks what a pipeline of sound shape means: each name is given once, every reference
 * leads to something, every stage can be reached, and expressions are ones.
 *
 * @throws {JdbxError} INVALID_PIPELINE or INVALID_EXPRESSION, with the path
 */
export function checkMeaning({ stages, output }: Pipeline, names: readonly string[] = []): void {
  const scope = new Set([...CONTEXT_NAMES, ...names]);
  checkList(stages, 'stages', scope);
  if (output !== undefined) {
    checkReferences(output, 'output', new Set([...scope, ...stages.map(({ name }) => name)]));
  }
}

function checkList(stages: readonly Stage[], path: string, around: ReadonlySet<string>): void {
  const scope = new Set(around);
  const own = new Set<string>();
  for (const [at, stage] of stages.entries()) {
    const place = `${path}.${at}`;
    checkName(stage.name, own, `${place}.name`);
    checkStage(stage, place, scope);
    checkGoto(stage, stages.slice(at + 1), place);
    scope.add(stage.name);
  }
}

function checkName(name: string, own: Set<string>, path: string): void {
  if (CONTEXT_NAMES.includes(name)) refuse(path, `expected another name than ${name}`);
  if (own.has(name)) refuse(path, `expected each name once, got ${name} again`);
  own.add(name);
}

function checkStage(stage: Stage, path: string, scope: ReadonlySet<string>): void {
  for (const [field, expression, names] of expressionsOf(stage)) {
    checkReferences(expression, `${path}.${field}`, new Set([...scope, ...names]));
  }
  checkCodes(stage, path);
  checkSchemas(stage, path);
  checkReachable(stage, path);
  for (const list of listsIn(stage)) {
    checkList(list.stages, `${path}.${list.path}`, new Set([...scope, ...list.names]));
  }
}

type Found = readonly [field: string, expression: unknown, names: readonly string[]];

/** Every expression of a stage, and the names that only it sees. */
function expressionsOf(stage: Stage): Found[] {
  const { map, loop, branch, wait, emit, cache, inputs } = stage;
  const own = [stage.name];
  const inLoop = ['index', ...(loop?.stages ?? []).map(({ name }) => name)];
  const found: Found[] = [
    ['when', stage.when, []],
    ['inputs', checkedInputs(inputs), []],
    ['arguments', stage.arguments, []],
    ['key', stage.key, []],
    ['context', stage.context, []],
    ['cache.key', typeof cache === 'object' ? cache.key : undefined, []],
    ['map.over', map?.over, []],
    ['loop.while', loop?.while, inLoop],
    ['loop.until', loop?.until, inLoop],
    ...(branch?.cases ?? []).map(({ when }, at): Found => [`branch.cases.${at}.when`, when, []]),
    ['wait.answer.question', wait?.answer?.question, []],
    ['wait.key', wait?.key, []],
    ['wait.until', wait?.until, []],
    ['wait.ms', wait?.ms, []],
    ['emit.key', emit?.key, []],
    ['emit.value', emit?.value, []],
    ...sessionExpressions(stage).map(([at, value]): Found => [`session.${at}`, value, own]),
  ];
  return found.filter(([, expression]) => expression !== undefined);
}

/** A list of names is looked up, in the input too; it holds no expression. */
function checkedInputs(inputs: Value | undefined): Value | undefined {
  return Array.isArray(inputs) ? undefined : inputs;
}

function sessionExpressions({ session }: Stage) {
  return session === undefined ? [] : expressionsInUpdate(session);
}

function checkReferences(expression: unknown, path: string, scope: ReadonlySet<string>): void {
  checkExpression(queryless(expression), path);
  const unknown = referencedNames(expression).find((name) => !scope.has(name));
  if (unknown === undefined) return;
  const known = [...scope].join(', ');
  refuse(path, `expected a name that is known here, got $${unknown}; known are ${known}`);
}

/** A map's query holds filter operators, which are no expressions; its values are. */
function queryless(expression: unknown): unknown {
  const query = (expression as { query?: unknown } | null)?.query;
  return typeof query === 'object' ? null : expression;
}

function checkCodes({ retry, inputs, session }: Stage, path: string): void {
  const wrong = (retry?.codes ?? []).findIndex((code) => !Object.hasOwn(ERROR_CODES, code));
  if (wrong !== -1) {
    refuse(`${path}.retry.codes.${wrong}`, `expected an error code, got ${retry?.codes?.[wrong]}`);
  }
  if (session !== undefined) checkSessionUpdate(session, `${path}.session`);
  if (!Array.isArray(inputs)) return;
  const nameless = inputs.findIndex((name) => typeof name !== 'string' || name === '');
  if (nameless !== -1) refuse(`${path}.inputs.${nameless}`, 'expected a name');
}

function checkSchemas({ wait }: Stage, path: string): void {
  if (wait?.schema !== undefined) checkValueSchema(wait.schema, `${path}.wait.schema`);
  const answer = wait?.answer?.schema;
  if (answer !== undefined) checkValueSchema(answer, `${path}.wait.answer.schema`);
}

/** What is always true or false hides what stands behind it. */
function checkReachable({ branch, loop }: Stage, path: string): void {
  const names = new Map<string, number>();
  for (const [at, { when, name = String(at) }] of (branch?.cases ?? []).entries()) {
    const place = `${path}.branch.cases.${at}`;
    if (names.has(name) || name === 'default') {
      refuse(`${place}.name`, `expected each name once, got ${name} again`);
    }
    names.set(name, at);
    if (when === false) refuse(`${place}.when`, 'expected a case that can be reached');
    const isLast = at === (branch?.cases.length ?? 0) - 1;
    if (when === true && !(isLast && branch?.default === undefined)) {
      const hidden = isLast ? `${path}.branch.default` : `${path}.branch.cases.${at + 1}`;
      refuse(hidden, 'expected stages that can be reached: the case before is always true');
    }
  }
  if (loop?.while === false) refuse(`${path}.loop.while`, 'expected stages that can be reached');
}

/** Only forward, so that a run always comes to its end. */
function checkGoto({ on_error }: Stage, after: readonly Stage[], path: string): void {
  if (typeof on_error !== 'object' || !('goto' in on_error)) return;
  const { goto } = on_error;
  if (after.some(({ name }) => name === goto)) return;
  refuse(`${path}.on_error.goto`, `expected a later stage of the same list, got ${goto}`);
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_PIPELINE', text, { path });
}
