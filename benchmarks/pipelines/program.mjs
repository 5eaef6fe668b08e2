import { MEMORY, open } from 'jdbx';
import { gaps, medianOf } from './works.mjs';

/** A program of many stages that do nothing, one after the other, which then waits for a signal. */
const CODE = `async function steps({ count }, { executeStage }) {
  for (let n = 0; n < count; n++) await executeStage({ name: 's', transformer: 'transformer:nothing' }, n);
  return executeStage({ name: 'go', wait: { signal: 'go' } });
}`;

/**
 * What a stage of a program costs early and late in a run, and what it costs to hand its end over
 * again: from the signal, which finds the program out of the sandbox, to the end of the run. On the disk
 * and in memory.
 */
export async function program({ directory }, { stages = 1_000 } = {}) {
  const memory = await measured(MEMORY, stages);
  return {
    ...(await measured(directory, stages)),
    memoryStageMs: memory.stageMs,
    memoryLateOverEarly: memory.lateOverEarly,
    memoryReplayMs: memory.replayMs,
  };
}

async function measured(where, stages) {
  const db = await open(where);
  await db.put([
    {
      _id: 'transformer:nothing',
      _type: 'transformer',
      code: 'function nothing() { return null; }',
    },
    { _id: 'engine:steps', _type: 'execution_engine', code: CODE },
  ]);
  await replayOf(db, 10);
  const ends = [];
  db.events.on('stage-end', ({ path, status }) => {
    if (path.endsWith('/s') && status === 'done') ends.push(performance.now());
  });
  const replayMs = (await replayOf(db, stages)) / stages;
  await db.close();
  const times = gaps(ends);
  const early = medianOf(times.slice(50, 150));
  return { stageMs: medianOf(times), lateOverEarly: medianOf(times.slice(-100)) / early, replayMs };
}

/** Milliseconds from the signal to the end. */
async function replayOf(db, count) {
  const { id } = await db.run('engine:steps', { count });
  const waitsAt = performance.now();
  await db.signal(id, 'go');
  await db.ended(id);
  return performance.now() - waitsAt;
}
