/** Begins so many runs that wait for a model, and is killed: `node flight-child.mjs DIRECTORY URL RUNS`. */
import { openWith } from './flight.mjs';

const [directory, url, runs] = process.argv.slice(2);
const db = await openWith(directory, url);
for (let at = 0; at < Number(runs); at++) db.run('pipeline:ask', { at }).catch(() => {});
