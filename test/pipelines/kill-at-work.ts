import { spawn } from 'node:child_process';

/** Kills by default, and with `JDBX_TEST_KILLS` as many as that says. */
export function killsOf(usual: number): number {
  return Number(process.env.JDBX_TEST_KILLS ?? usual);
}

/**
 * What is killed: `node JOB DIRECTORY`, or `node JOB DIRECTORY COUNT MS`, which has itself killed
 * so many milliseconds after its COUNTth stage has ended (`test/support/killed-after.mjs`).
 */
export interface Killing {
  readonly job: string;
  readonly directory: string;
  readonly kills: number;
  readonly seed: number;
  /** Stages that a process may end before it is killed, at most. */
  readonly stagesMax: number;
}

/**
 * Starts a job again and again, each process killed with SIGKILL after a seeded number of its
 * stages and a few milliseconds, so that it is at work on any machine, and lets the last one end.
 * Gives how many were killed.
 */
export async function killAtWork(killing: Killing): Promise<number> {
  const random = seeded(killing.seed);
  let killed = 0;
  for (let round = 0; round < killing.kills; round++) {
    const count = 1 + Math.floor(random() * killing.stagesMax);
    if (await wasKilled(killing, [count, random() * 10])) killed++;
  }
  await wasKilled(killing, []);
  return killed;
}

function wasKilled({ job, directory }: Killing, moment: readonly number[]): Promise<boolean> {
  const args = [job, directory, ...moment.map(String)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((resolve, reject) =>
    child.on('exit', (code, signal) =>
      code === 0 || signal === 'SIGKILL'
        ? resolve(signal === 'SIGKILL')
        : reject(new Error(`exit code ${code}`)),
    ),
  );
}

/** https://en.wikipedia.org/wiki/Lehmer_random_number_generator */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
