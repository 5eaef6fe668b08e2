/** One work of one subject in a process of its own: `node subject.mjs WORK DIRECTORY MODULE EXPORT [POSTGRES] [OPTIONS]`. */
import { history, sequential, together } from './works.mjs';

const WORKS = { sequential, together, history };

const [work, directory, module, opener, postgres, options] = process.argv.slice(2);
const subject = await (await import(module))[opener]({ directory, postgres });
const measured = await WORKS[work](subject, JSON.parse(options ?? '{}'));
console.log(`\n${JSON.stringify(measured)}`);
process.exit(0);
