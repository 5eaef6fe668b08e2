import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';
import type { GuestLimits } from '../../sandbox/contract.js';
import { checkGuestCode, checkModule } from '../../sandbox/entry.js';
import { resolveLimits } from '../../sandbox/limits.js';
import { parsePermission, type Verb } from '../../sandbox/permissions.js';
import { checkPipeline } from '../check-pipeline.js';
import { codeFieldOf } from '../guests/code-fields.js';
import type { GuestCodes } from '../guests/guest-codes.js';
import type { Pipeline, Stage } from '../pipeline-document.js';
import { programModule } from './program-source.js';

/** The name of the stage that a program is, and so the first part of its stages' paths. */
export const PROGRAM_STAGE = 'program';

/** What a program may ask of the store. What it changes, it changes by its stages. */
export const READING: readonly Verb[] = [
  'db.get',
  'db.getMany',
  'db.query',
  'db.aggregate',
  'db.history',
];

/**
 * Checks an `execution_engine` document: its code, that its rights are those to read, and
 * the stages that it names.
 *
 * @throws {JdbxError} GUEST_SYNTAX, INVALID_DOCUMENT, INVALID_PIPELINE
 */
export function checkProgram(document: NewDocument, codes: GuestCodes): void {
  const { permissions, entry, _id: name = 'the program' } = document;
  for (const [index, text] of ((permissions ?? []) as Value[]).entries()) {
    const { verb } = parsePermission(text, `permissions.${index}`);
    if (READING.includes(verb)) continue;
    const text_ = `expected one of ${READING.join(', ')}: a program calls and writes by its stages`;
    throw new JdbxError('INVALID_DOCUMENT', `${text_}, got ${verb}`, {
      path: `permissions.${index}`,
    });
  }
  const code = codes.javascript(document, codeFieldOf(document));
  const found = checkGuestCode(code, { name, entry: entry as string | undefined });
  // What parses as a script may not as a module.
  checkModule(programModule(code, found.entry), { name });
  const { stages, ...pipeline } = programPipeline({ ...document, _id: name } as Document);
  checkPipeline({ ...pipeline, stages: stagesNamed(document) ?? stages });
}

/** The stages that a program may call by their names. */
export function stagesNamed({ stages }: NewDocument): readonly Stage[] | undefined {
  return stages as unknown as readonly Stage[] | undefined;
}

/** A program as the pipeline that it is: of one stage, which runs it. */
export function programPipeline(document: Document): Pipeline {
  const { _id, timeout, on_error, budget } = document as Document & Partial<Pipeline>;
  const settings = { timeout, on_error, budget };
  const given = Object.entries(settings).filter(([, setting]) => setting !== undefined);
  return {
    stages: [{ name: PROGRAM_STAGE, program: _id }],
    ...Object.fromEntries(given),
  };
}

/** Its limits hold for one stay in the sandbox; most host calls of a program hand over a stage. */
export function programLimits({ limits }: Document): GuestLimits {
  const resolved = resolveLimits(limits);
  const named = (limits as { host_calls?: unknown } | undefined)?.host_calls !== undefined;
  return named ? resolved : { ...resolved, hostCalls: HOST_CALLS };
}

const HOST_CALLS = 100_000;
