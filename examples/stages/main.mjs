import { readdirSync } from 'node:fs';

/** Runs every example of this folder, one after the other. */
const files = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.mjs'));
for (const file of files.filter((each) => each !== 'main.mjs').sort()) {
  console.log(`== ${file}`);
  await import(new URL(file, import.meta.url).href);
}
