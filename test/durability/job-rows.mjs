import { fileURLToPath } from 'node:url';
import { readRows } from '../../examples/gsm8k/load.mjs';

const SAMPLE = fileURLToPath(new URL('../../examples/gsm8k/sample.jsonl', import.meta.url));

/** The example's questions, from the first again when they run out. */
export async function jobRows(count) {
  const sample = await readRows(SAMPLE);
  return Array.from({ length: count }, (_, at) => sample[at % sample.length]);
}
