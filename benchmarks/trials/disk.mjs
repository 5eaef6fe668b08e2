import { closeSync, fdatasync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repeat } from '../measure.mjs';

const sync = promisify(fdatasync);

/** A floor: 4 KiB written over in one file, and flushed. */
export async function run({ directory }) {
  const file = openSync(join(directory, 'file'), 'w');
  const page = Buffer.alloc(4_096, 7);
  for (let at = 0; at < 64; at++) writeSync(file, page, 0, page.length, at * page.length);
  const { medianUs } = await repeat(async (n) => {
    writeSync(file, page, 0, page.length, (n % 64) * page.length);
    await sync(file);
  });
  closeSync(file);
  return { 'fdatasync of 4 KiB': { value: medianUs, unit: 'µs' } };
}
