/**
 * Runs command lines one after the other in one process, as the program's main module does, and
 * says how each ended. They come as a JSON array on the standard input, one that reads an input
 * of its own as `{ line, input }`.
 */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

const MAIN = new URL('../../dist/cli/main.js', import.meta.url);

process.stdout.setMaxListeners(0);
const lines = JSON.parse(await text(process.stdin));
for (const [n, given] of lines.entries()) {
  const { line = given, input = '' } = given;
  Object.defineProperty(process, 'stdin', { value: Readable.from([input]), configurable: true });
  process.argv = [process.execPath, MAIN.pathname, ...line];
  // Another query is another module: the program starts anew.
  await import(`${MAIN.href}?${n}`);
  process.stderr.write(`\n::ended ${process.exitCode}\n`);
}
process.exitCode = 0;
