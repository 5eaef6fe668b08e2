/** The name under which a program's entry is exported to what calls it. */
const ENTRY = '__jdbxProgram';
/** The name of the code around a program, as error stacks show it. */
export const DRIVER_NAME = 'jdbx:program';
/** The host functions that only the driver uses. */
export const NEXT = '__program.next';
export const NOW = '__program.now';

/** Rounds of the guest's promises without a new stage after which it is taken to wait for one. */
const QUIET_ROUNDS = 64;

/** A program's code as a module whose entry the driver imports; lines and columns stay. */
export function programModule(code: string, entry: string): string {
  return entry === 'default' ? code : `${code}\n;export { ${entry} as ${ENTRY} };`;
}

/**
 * The code around a program. It is deterministic: what is handed in, and when, depends on the
 * answers of `next` alone. It asks for the next answer when the program has been quiet for some
 * rounds, one at a time, so that equal answers lead every time to the same questions.
 *
 * `next(asked, done)` takes the stages that were asked for since, and gives how one of them
 * ended: `{ n, value }` or `{ n, error }`, with the `ahead` of it that are recorded to follow;
 * `leave` when the guest is to end and come again later, `end` when nothing is left that it
 * would wait for. A recorded end that nothing has asked for is told back as `unasked`.
 */
export function programDriver(id: string, entry: string): string {
  const imported = entry === 'default' ? 'default' : ENTRY;
  return `import { ${imported} as program } from ${JSON.stringify(id)};
const { next, now } = __program;
export default async function drive(args, named, traced) {
  const waiting = new Map();
  const failures = new WeakMap();
  let asked = [];
  let ahead = [];
  let count = 0;
  let quiet = 0;
  function ask(kind, what, given) {
    const n = ++count;
    const place = n === traced ? new Error().stack : undefined;
    asked.push({ n, kind, what, given, place });
    quiet = 0;
    return new Promise((resolve, reject) => waiting.set(n, { resolve, reject }));
  }
  const tools = {
    executeStage: (stage, given) => ask('stage', stage, given),
    checkpoint: (...state) => ask('checkpoint', state),
    sleep: (ms) => ask('stage', { name: 'sleep', wait: { ms } }),
    now: () => now(),
  };
  for (const name of Object.keys(tools)) globalThis[name] = tools[name];
  for (const name of named) {
    if (!(name in globalThis)) globalThis[name] = (given) => ask('stage', name, given);
  }
  let over = false;
  let failed = false;
  let outcome;
  const whole = args.length === 0 ? [] : args;
  new Promise((resolve) => resolve(program(...whole, tools))).then(
    (value) => { over = true; outcome = value; },
    (error) => { over = true; failed = true; outcome = error; },
  );
  for (;;) {
    for (quiet = 0; quiet < ${QUIET_ROUNDS} && !failed; quiet++) await null;
    if (failed) break;
    if (over && asked.length + waiting.size === 0) break;
    let answer = ahead.shift();
    if (!answer) {
      answer = next(asked, over);
      asked = [];
      if (answer.leave) return { left: true };
      if (answer.end) break;
      ahead = answer.ahead ?? [];
    }
    if (!waiting.has(answer.n)) {
      if (over) break;
      next(asked, over, answer.n);
    }
    const { resolve, reject } = waiting.get(answer.n);
    waiting.delete(answer.n);
    if (answer.error) {
      const error = new JdbxError(answer.error.code, answer.error.text);
      failures.set(error, answer.n);
      reject(error);
    } else resolve(answer.value);
  }
  if (!failed) return { value: outcome, asked: count };
  const n = typeof outcome === 'object' && outcome !== null ? failures.get(outcome) : undefined;
  if (n !== undefined) return { failed: n };
  throw outcome;
}
`;
}
