import type { Value } from '../../base/values.js';
import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import type { WaitStage } from '../pipeline-document.js';
import { dueOf, topicOf, type WaitPlan } from '../waits/wait-document.js';

/**
 * Waits for a person's answer, a signal to the run, an event, or a time. What came is
 * the output; of a time it is null. `timeout` gives the wait up.
 */
export const waitStage: StageKind = {
  name: 'wait',
  waits: true,
  async run(work: StageWork): Promise<StageOutcome> {
    const { output, wait } = await work.run.wait(work.path, () => planOf(work));
    return { output, facts: { wait } };
  },
};

/** What the wait is for, when it begins. */
function planOf({ stage, path, context, run, startedAt }: StageWork): WaitPlan {
  const { answer, signal, event, key, until, ms, schema } = stage.wait as WaitStage;
  const expires = stage.timeout === undefined ? {} : { expiresAt: startedAt + stage.timeout };
  const evaluated = (expression: Value, field: string) =>
    context.require(expression, `${path}.wait.${field}`);
  if (answer) {
    const { question, schema: form } = answer;
    const shown =
      question === undefined ? {} : { question: evaluated(question, 'answer.question') };
    return {
      kind: 'answer',
      ...shown,
      ...(form === undefined ? {} : { schema: form }),
      ...expires,
    };
  }
  const form = schema === undefined ? {} : { schema };
  if (signal !== undefined) {
    return {
      kind: 'signal',
      name: signal,
      topic: topicOf(signal, null, run.id),
      ...form,
      ...expires,
    };
  }
  if (event !== undefined) {
    const correlation = key === undefined ? null : evaluated(key, 'key');
    const topic = topicOf(event, correlation);
    return { kind: 'event', name: event, key: correlation, topic, ...form, ...expires };
  }
  const dueAt = dueOf(
    until === undefined ? { ms: evaluated(ms ?? 0, 'ms') } : { until: evaluated(until, 'until') },
    startedAt,
    `${path}.wait`,
  );
  return { kind: 'time', dueAt, ...expires };
}
