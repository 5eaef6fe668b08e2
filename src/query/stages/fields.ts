import { isPlainObject } from '../../base/values.js';
import { describe, namesChecker, refuse } from '../expressions/operator.js';
import { checkFieldPath } from '../field-paths.js';
import { projectionOf } from '../projection.js';
import { excluding, readShape, type ShapeTree, setting } from '../shape.js';
import { type Document, each, type Stage, type Stages } from './stage.js';

/** Stages that give documents other fields. */
export const FIELD_STAGES: Stages = {
  $set: set('$set'),
  $addFields: set('$addFields'),
  $unset: unset(),
  $project: each(
    (operand) => void projectionOf(operand, '$project'),
    (operand, context) => {
      const project = projectionOf(operand, '$project');
      return (document) => project(document, context.scope(document));
    },
  ),
  $replaceRoot: each(
    (operand) => void rootCheck(operand),
    ({ newRoot }: { newRoot: unknown }, context) =>
      (document) =>
        rootOf(context.scope(document).value(newRoot), '$replaceRoot'),
  ),
  $replaceWith: each(
    () => {},
    (operand, context) => (document) =>
      rootOf(context.scope(document).value(operand), '$replaceWith'),
  ),
};

const rootCheck = namesChecker('$replaceRoot', ['newRoot!']);

function rootOf(value: unknown, name: string): unknown {
  if (!isPlainObject(value)) refuse(name, 'an object as the new document', describe(value));
  return value;
}

function set(name: string): Stage {
  const shapeOf = (operand: unknown): ShapeTree => {
    if (!isPlainObject(operand) || Object.keys(operand).length === 0)
      refuse(name, 'an object of fields', describe(operand));
    return readShape(operand, name, (value) =>
      isPlainObject(value) && !isComputed(value)
        ? undefined
        : { kind: 'compute', expression: value },
    );
  };
  return each(
    (operand) => void shapeOf(operand),
    (operand: Document, context) => {
      const shape = shapeOf(operand);
      return (document) => setting(shape, document, context.scope(document));
    },
  );
}

/** An operator, or an object without fields, which is itself. */
function isComputed(value: Readonly<Record<string, unknown>>): boolean {
  const [first] = Object.keys(value);
  return first === undefined || first.startsWith('$');
}

function unset(): Stage {
  const shapeOf = (operand: unknown): ShapeTree => {
    const paths = Array.isArray(operand) ? operand : [operand];
    if (paths.length === 0) refuse('$unset', 'paths', 'none');
    for (const path of paths) checkFieldPath(path, '$unset');
    if (new Set(paths).size < paths.length)
      refuse('$unset', 'paths apart from each other', 'one twice');
    return readShape(Object.fromEntries(paths.map((path) => [path, 0])), '$unset', () => ({
      kind: 'exclude',
    }));
  };
  return each(
    (operand) => void shapeOf(operand),
    (operand, context) => {
      const shape = shapeOf(operand);
      return (document) => excluding(shape, document, context.scope(document));
    },
  );
}
