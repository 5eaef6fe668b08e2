import { spawn } from 'node:child_process';

/** Kills by default, and with `JDBX_TEST_KILLS` as many as that says. */
export function killsOf(usual: number): number {
  return Number(process.env.JDBX_TEST_KILLS ?? usual);
}

/** What is killed: `node JOB DIRECTORY`, which writes a line whenever a stage has ended. */
export interface Killing {
  readonly job: string;
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  /** Stages that a process may end before it is killed, at most. */
  readonly stagesMax: number;
}

/**
 * Starts a job again and again, kills each process with SIGKILL after a seeded number of its
 * stages and a few milliseconds, so that it is at work on any machine, and lets the last one end.
 * Gives how many were killed.
 */
export async function killAtWork(killing: Killing): Promise<number> {
  const random = seeded(killing.seed);
  let killed = 0;
  for (let round = 0; round < killing.kills; round++) {
    const after = { stages: Math.floor(random() * killing.stagesMax), ms: random() * 10 };
    if (await startAndKill(killing, after)) killed++;
  }
  await startAndKill(killing);
  return killed;
}

async function startAndKill(
  { job, directory }: Killing,
  after?: { readonly stages: number; readonly ms: number },
): Promise<boolean> {
  const child = spawn(process.execPath, [job, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise<boolean>((resolve, reject) =>
    child.on('exit', (code, signal) =>
      code === 0 || signal === 'SIGKILL'
        ? resolve(signal === 'SIGKILL')
        : reject(new Error(`exit code ${code}`)),
    ),
  );
  let lines = 0;
  child.stdout.on('data', (data: Buffer) => {
    const before = lines;
    lines += data.toString().split('\n').length - 1;
    if (!after || before > after.stages || lines <= after.stages) return;
    setTimeout(() => child.kill('SIGKILL'), after.ms);
  });
  return gone;
}

/** https://en.wikipedia.org/wiki/Lehmer_random_number_generator */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
