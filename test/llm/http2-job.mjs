// Asks the server at argv[2] over TLS, in a process whose environment names the authority to trust.
import { open } from '#jdbx/index.js';

const endpoint = process.argv[2];
const db = await open(':memory:', { env: {}, workers: 1 });
const ask = async (name, fields, stage = {}) => {
  const _id = `integration:${name}`;
  await db.put([
    {
      _id,
      _type: 'integration',
      provider: 'openai',
      endpoint: `${endpoint}/${name}`,
      model: 'm',
      retry_strategy: { max_retries: 0 },
      ...fields,
    },
    {
      _id: `pipeline:${name}`,
      _type: 'pipeline',
      stages: [{ name: 's', integration: _id, ...stage }],
    },
  ]);
  const end = await db.run(`pipeline:${name}`, 'Well?').catch((error) => error);
  console.log(JSON.stringify([name, end.output?.text ?? end.details.code]));
};
await ask('default', {});
await ask('whole', { http2: true });
await ask('stream', { http2: true }, { stream: true });
await ask('silent', { http2: true, timeout_ms: 200 });
await ask('cut', { http2: true }, { stream: true });
await db.close();
