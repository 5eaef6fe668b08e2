import { KIND_FIELDS } from './check-pipeline.js';
import type { StageKind } from './contract.js';
import type { Stage } from './pipeline-document.js';
import { branchStage } from './stages/branch.js';
import { checkpointStage } from './stages/checkpoint.js';
import { compactStage } from './stages/compact.js';
import { emitStage } from './stages/emit.js';
import { integrationStage } from './stages/integration.js';
import { loopStage } from './stages/loop.js';
import { mapStage } from './stages/map.js';
import { parallelStage } from './stages/parallel.js';
import { pipelineStage } from './stages/pipeline.js';
import { programStage } from './stages/program.js';
import { promptStage } from './stages/prompt.js';
import { toolStage } from './stages/tool.js';
import { toolLoopStage } from './stages/tool-loop.js';
import { transformerStage } from './stages/transformer.js';
import { waitStage } from './stages/wait.js';

const KINDS: Readonly<Record<(typeof KIND_FIELDS)[number], StageKind>> = {
  transformer: transformerStage,
  integration: integrationStage,
  pipeline: pipelineStage,
  program: programStage,
  tool: toolStage,
  parallel: parallelStage,
  map: mapStage,
  loop: loopStage,
  branch: branchStage,
  wait: waitStage,
  emit: emitStage,
};

/** The kind of a checked stage; a stage that only names a template is a prompt. */
export function kindOf(stage: Stage): StageKind {
  const kind = known.get(stage);
  if (kind) return kind;
  const found = kindBy(stage);
  known.set(stage, found);
  return found;
}

/** Stages are parts of documents, and asked for again and again. */
const known = new WeakMap<Stage, StageKind>();

function kindBy(stage: Stage): StageKind {
  if (stage.tools !== undefined) return toolLoopStage;
  if (stage.checkpoint) return checkpointStage;
  if (stage.compact) return compactStage;
  const field = KIND_FIELDS.find((each) => stage[each] !== undefined);
  return field ? KINDS[field] : promptStage;
}
