import type { Document } from '../../base/document.js';
import { isJdbxError, JdbxError } from '../../base/errors.js';
import { LinkedSignal } from '../../base/linked-signal.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { GuestResult } from '../../sandbox/contract.js';
import { placeIn } from '../../sandbox/guest-stack.js';
import type { StageOutcome, StageWork } from '../contract.js';
import { codeFieldOf } from '../guests/code-fields.js';
import { programLimits } from './program-document.js';
import { DRIVER_NAME, NEXT, programDriver, programModule } from './program-source.js';
import { ProgramStages, type Question } from './program-stages.js';
import { Readings, rightsOf } from './readings.js';
import type { Seat } from './seats.js';
import { Stay } from './stay.js';

/** How a stay of a program in the sandbox ended. */
type StayEnd =
  | { readonly left: true }
  | { readonly value: Value; readonly asked: number; readonly left?: never }
  | { readonly failed: number; readonly left?: never };

/**
 * Runs a program to its end. It stays in the sandbox while its stages come to their ends, and
 * leaves when it only waits; when there is more to hand over it runs anew, and is handed what
 * its stages gave before, in the same order. So it is after a crash.
 *
 * @throws {JdbxError} REPLAY_DIVERGED when it does not ask for what it asked for before, and
 * what the sandbox throws
 */
export async function runProgram(work: StageWork, document: Document): Promise<StageOutcome> {
  const linked = new LinkedSignal().follow(work.signal);
  const within = { ...work, signal: linked.signal };
  const stages = new ProgramStages(within, document);
  try {
    for (;;) {
      const end = await work.run.programs.hold((seat) => stay({ within, document, stages, seat }));
      if (!end.left) return outcomeOf(end, stages);
      stages.forget();
      await stages.progress();
    }
  } catch (thrown) {
    linked.abort(thrown);
    throw thrown;
  } finally {
    await stages.settled();
    linked.release();
  }
}

interface Staying {
  readonly within: StageWork;
  readonly document: Document;
  readonly stages: ProgramStages;
  readonly seat: Seat;
}

/** One that parts from its record runs once more, to tell where in its code. */
async function stay(staying: Staying): Promise<StayEnd> {
  try {
    return await stayOnce(staying);
  } catch (thrown) {
    if (!isJdbxError(thrown, 'REPLAY_DIVERGED')) throw thrown;
    const { position, asked, what } = thrown.details as {
      position: number;
      asked: unknown;
      what: string;
    };
    if (asked !== null && what !== 'reading') await stayOnce(staying, position);
    throw thrown;
  }
}

async function stayOnce(staying: Staying, traced = 0): Promise<StayEnd> {
  const { within: work, document, stages, seat } = staying;
  const { run, signal } = work;
  const limits = programLimits(document);
  const readings = await Readings.begin(work, rightsOf(work, document));
  const visit = new Stay(stages, readings, seat, limits);
  const { name, code, imports, args } = programOf(staying);
  const places = [document._id, ...Object.keys(imports)];
  const next = async (asked: Value, over: Value, unasked?: Value) => {
    const questions = asked as unknown as readonly Question[];
    for (const each of questions) stages.ask(each, (stack) => placeIn(stack, places) ?? {});
    if (typeof unasked === 'number') visit.refuse(unasked);
    return (await visit.next(over === true)) as unknown as Value;
  };
  const host = { ...visit.guarded(readings.functions()), ...visit.guarded({ [NEXT]: next }) };
  const stopping = visit.leaveOn(signal);
  try {
    const result = await run.programs.sandbox.call({
      name,
      code,
      imports,
      args: [args, stages.names, traced],
      host,
      limits,
      now: Date.parse(run.startedAt),
      seed: `${run.id}/${work.path}/${document._id}`,
      signal,
    });
    visit.check();
    return await endOf(visit, readings, result);
  } catch (thrown) {
    visit.check();
    throw thrown;
  } finally {
    stopping();
    readings.end();
  }
}

async function endOf(visit: Stay, readings: Readings, { value }: GuestResult): Promise<StayEnd> {
  const end = value as unknown as StayEnd;
  if (end.left || !('value' in end)) return end;
  await readings.keep();
  visit.refuseUnasked(end.asked);
  return end;
}

function outcomeOf(end: Exclude<StayEnd, { left: true }>, stages: ProgramStages): StageOutcome {
  if ('failed' in end) throw stages.failureOf(end.failed);
  return { output: end.value ?? null, facts: { stages: end.asked } };
}

function programOf({ within: { run, input }, document }: Staying) {
  const field = codeFieldOf(document);
  const code = run.codes.javascript(document, field);
  const imports = run.codes.link(document, field, (id) => run.definitions.get(id));
  const { _id: id } = document;
  const found = run.sandbox.entryOf({
    name: id,
    code,
    entry: document.entry as string | undefined,
  });
  if (imports[id] !== undefined) {
    throw new JdbxError('UNRESOLVED_IMPORT', `expected ${id} not to import itself`);
  }
  return {
    name: DRIVER_NAME,
    code: programDriver(id, found.entry),
    imports: { ...imports, [id]: programModule(code, found.entry) },
    args: argumentsFor(found.parameters, input),
  };
}

/** Leading parameters that are fields of the input are those; else the first is the input. */
function argumentsFor(parameters: readonly (string | undefined)[], input: Value): Value[] {
  if (!isPlainObject(input)) return [input];
  const fields = input as ValueObject;
  const other = parameters.findIndex((name) => name === undefined || !Object.hasOwn(fields, name));
  const named = other === -1 ? parameters : parameters.slice(0, other);
  return named.length === 0 ? [input] : named.map((name) => fields[name as string] as Value);
}
