/** One work of one subject in a process of its own: `node subject.mjs WORK DIRECTORY MODULE EXPORT [POSTGRES] [OPTIONS]`. */
import { flight, resume } from './flight.mjs';
import { program } from './program.mjs';
import { history, sequential, together } from './works.mjs';

const WORKS = { sequential, together, history };
/** Of this store alone; they open it themselves. */
const OWN_WORKS = { flight, resume, program };

const [work, directory, module, opener, postgres, options] = process.argv.slice(2);
const given = JSON.parse(options ?? '{}');
const measured = OWN_WORKS[work]
  ? await OWN_WORKS[work]({ directory }, given)
  : await WORKS[work](await (await import(module))[opener]({ directory, postgres }), given);
console.log(`\n${JSON.stringify(measured)}`);
process.exit(0);
