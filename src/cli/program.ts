import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addAnswer } from './commands/answer.js';
import { addAudit } from './commands/audit.js';
import { addBackup } from './commands/backup.js';
import { addCache } from './commands/cache.js';
import { addCheck } from './commands/check.js';
import { addCompact } from './commands/compact.js';
import { addCompletion } from './commands/completion.js';
import { addCosts } from './commands/costs.js';
import { addEmit } from './commands/emit.js';
import { addExport } from './commands/export.js';
import { addFollow } from './commands/follow.js';
import { addFork } from './commands/fork.js';
import { addGet } from './commands/get.js';
import { addHistory } from './commands/history.js';
import { addImport } from './commands/import.js';
import { addPrices } from './commands/prices.js';
import { addPut } from './commands/put.js';
import { addQuery } from './commands/query.js';
import { addRemove } from './commands/remove.js';
import { addReplay } from './commands/replay.js';
import { addRestore } from './commands/restore.js';
import { addResume } from './commands/resume.js';
import { addRetain } from './commands/retain.js';
import { addRun } from './commands/run.js';
import { addRuns } from './commands/runs.js';
import { addSchema } from './commands/schema.js';
import { addSeal } from './commands/seal.js';
import { addSignal } from './commands/signal.js';
import { addStats } from './commands/stats.js';
import { addSteer } from './commands/steer.js';
import { addTest } from './commands/test.js';
import { addTorture } from './commands/torture.js';
import { addUndo } from './commands/undo.js';
import { addUpdate } from './commands/update.js';
import { addWaits } from './commands/waits.js';
import { addWork } from './commands/work.js';
import { EXIT_HELP } from './exit-codes.js';
import { Invocation } from './invocation.js';

/** Adds one command to the program. Each is a file in `commands/`. */
export type AddCommand = (program: Command, invocation: Invocation) => void;

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addRun,
  addResume,
  addRuns,
  addFollow,
  addWaits,
  addAnswer,
  addSignal,
  addEmit,
  addSteer,
  addFork,
  addReplay,
  addUndo,
  addWork,
  addTest,
  addTorture,
  addAudit,
  addQuery,
  addGet,
  addPut,
  addUpdate,
  addRemove,
  addHistory,
  addRestore,
  addImport,
  addExport,
  addBackup,
  addCompact,
  addRetain,
  addCheck,
  addStats,
  addCache,
  addCosts,
  addPrices,
  addSeal,
  addSchema,
  addCompletion,
];

export function createProgram(): { readonly program: Command; readonly invocation: Invocation } {
  const program = new Command('jdbx')
    .description('A document database that runs LLM pipelines, from the command line.')
    .version(readVersion(), '-V, --version', 'print the version')
    .option('-s, --store <dir>', 'the store (env JDBX_STORE)', process.env.JDBX_STORE || './.jdbx')
    .option('--json', 'JSON, also on a terminal; errors too')
    .option('--no-json', 'text for people, also when piped')
    .option('-q, --quiet', 'no progress and no remarks')
    .helpOption('-h, --help', 'print help')
    .configureHelp({ showGlobalOptions: true })
    // `reportError` says it, like every other error.
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(true)
    .exitOverride()
    .addHelpText('after', `\n${EXIT_HELP}`);
  const invocation = new Invocation(program);
  for (const add of COMMANDS) add(program, invocation);
  return { program, invocation };
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
