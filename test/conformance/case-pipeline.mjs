import { CASE_ID, renameFilter, renameKeys, renamePath } from './case-ids.mjs';

/** Turns stored documents into the case's own, inside a pipeline. */
const AS_CASE = [{ $set: { _id: `$${CASE_ID}` } }, { $unset: [CASE_ID, '_type', '_rev'] }];

/**
 * A case's pipeline over a type. What leads it goes to the planner, as it would in
 * an application; behind it documents are brought to the case's form.
 */
export function toPipeline(stages, type, typeOf, collectionless) {
  if (!Array.isArray(stages)) return stages;
  const rest = stages.map((stage) => renameSources(stage, typeOf));
  if (collectionless) return rest;
  const leading = [];
  for (const step of LEADING) {
    while (isStage(rest[0], step.name) && (step.repeats || !leading.some((s) => step.name in s))) {
      leading.push({ [step.name]: step.rename(rest.shift()[step.name]) });
    }
  }
  return [{ $match: { _type: type } }, ...leading, ...AS_CASE, ...rest];
}

const LEADING = [
  { name: '$match', rename: renameFilter, repeats: true },
  { name: '$sort', rename: renameKeys },
  { name: '$skip', rename: (count) => count },
  { name: '$limit', rename: (count) => count },
];

function isStage(stage, name) {
  return isObject(stage) && Object.keys(stage).length === 1 && name in stage;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Stages that read another collection read a type, through a pipeline where they can have one. */
function renameSources(stage, typeOf) {
  if (!isObject(stage) || Object.keys(stage).length !== 1) return stage;
  const [name] = Object.keys(stage);
  const rename = SOURCES[name];
  return rename ? { [name]: rename(stage[name], typeOf) } : stage;
}

const nested = (pipeline, typeOf) =>
  Array.isArray(pipeline)
    ? [
        ...(isStage(pipeline[0], '$documents') ? [] : AS_CASE),
        ...pipeline.map((s) => renameSources(s, typeOf)),
      ]
    : pipeline;

const SOURCES = {
  $lookup: (spec, typeOf) => {
    if (!isObject(spec)) return spec;
    const { from, foreignField, pipeline, ...rest } = spec;
    return {
      ...rest,
      ...(typeof from === 'string' ? { from: typeOf(from) } : 'from' in spec ? { from } : {}),
      ...('foreignField' in spec
        ? {
            foreignField:
              typeof foreignField === 'string' ? renamePath(foreignField) : foreignField,
          }
        : {}),
      ...('pipeline' in spec
        ? { pipeline: nested(pipeline, typeOf) }
        : typeof from === 'string'
          ? { pipeline: AS_CASE }
          : {}),
    };
  },
  $unionWith: (spec, typeOf) => {
    if (typeof spec === 'string') return { coll: typeOf(spec), pipeline: AS_CASE };
    if (!isObject(spec) || typeof spec.coll !== 'string') return spec;
    const { coll, pipeline = [], ...rest } = spec;
    return { ...rest, coll: typeOf(coll), pipeline: nested(pipeline, typeOf) };
  },
  $graphLookup: (spec, typeOf) => {
    if (!isObject(spec)) return spec;
    const out = { ...spec };
    if (typeof spec.from === 'string') out.from = typeOf(spec.from);
    for (const key of ['connectFromField', 'connectToField']) {
      if (typeof spec[key] === 'string') out[key] = renamePath(spec[key]);
    }
    if (isObject(spec.restrictSearchWithMatch)) {
      out.restrictSearchWithMatch = renameFilter(spec.restrictSearchWithMatch);
    }
    return out;
  },
  $facet: (spec, typeOf) =>
    isObject(spec)
      ? Object.fromEntries(
          Object.entries(spec).map(([key, stages]) => [
            key,
            Array.isArray(stages) ? stages.map((stage) => renameSources(stage, typeOf)) : stages,
          ]),
        )
      : spec,
};
