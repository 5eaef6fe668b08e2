import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OpenWorkflow } from 'openworkflow';
import { BackendSqlite } from 'openworkflow/sqlite';
import { diskBytesOf } from '../disk.mjs';
import { newHistory } from '../works.mjs';

export async function openSubject({ directory }) {
  mkdirSync(directory, { recursive: true });
  const backend = BackendSqlite.connect(join(directory, 'workflows.sqlite'));
  const client = new OpenWorkflow({ backend });
  const runs = new Map();
  const work = client.defineWorkflow({ name: 'work' }, async ({ input, step }) => {
    for (let at = 0; at < input.stages; at++) {
      await step.run({ name: `stage-${at}` }, async () => {
        runs.get(input.key).push(performance.now());
        return input.history ? newHistory(at) : null;
      });
    }
  });
  const worker = client.newWorker({ concurrency: 128 });
  await worker.start();
  return {
    async run({ stages, history }) {
      const key = String(runs.size);
      runs.set(key, []);
      const handle = await work.run({ key, stages, history });
      await handle.result();
      return runs.get(key);
    },
    diskBytes: () => diskBytesOf(directory),
    async close() {
      await worker.stop();
      await backend.stop();
    },
  };
}
