import { DBOS } from '@dbos-inc/dbos-sdk';
import { newHistory } from '../works.mjs';
import { databaseBytes } from './postgres-bytes.mjs';

export async function openSubject({ postgres }) {
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: postgres, logLevel: 'error' });
  const runs = new Map();
  const work = DBOS.registerWorkflow(
    async (key, stages, history) => {
      for (let at = 0; at < stages; at++) {
        await DBOS.runStep(
          async () => {
            runs.get(key).push(performance.now());
            return history ? newHistory(at) : null;
          },
          { name: 'stage' },
        );
      }
    },
    { name: 'work' },
  );
  await DBOS.launch();
  return {
    async run({ stages, history }) {
      const key = String(runs.size);
      runs.set(key, []);
      await work(key, stages, history);
      return runs.get(key);
    },
    diskBytes: () => databaseBytes(postgres),
    close: () => DBOS.shutdown(),
  };
}
