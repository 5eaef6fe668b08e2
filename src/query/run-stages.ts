import { DocumentScope } from './expressions/scope.js';
import { EXPRESSION_OPERATORS } from './mingo-operators.js';
import { STAGES } from './stages/all.js';
import type { Document, Stage, StageContext, StageSetting } from './stages/stage.js';

/** Puts documents through stages that were checked, one after the other, as results are taken. */
export function throughStages(
  stages: readonly Document[],
  documents: Iterable<unknown>,
  setting: StageSetting,
): Iterable<unknown> {
  const context = contextOf(setting);
  let flow = documents;
  for (const each of stages) {
    const [name] = Object.keys(each) as [string];
    flow = (STAGES[name] as Stage).run(flow, each[name] as never, context);
  }
  return flow;
}

function contextOf(setting: StageSetting): StageContext {
  const expressions = { operators: EXPRESSION_OPERATORS, now: setting.now };
  return {
    ...setting,
    scope: (document) => new DocumentScope(document, setting.variables, expressions),
    run: (stages, documents, variables) =>
      throughStages(stages, documents, {
        ...setting,
        variables: { ...setting.variables, ...variables },
      }),
  };
}
