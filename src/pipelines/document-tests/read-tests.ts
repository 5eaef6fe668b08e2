import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject, type Value, type ValueObject } from '../../base/values.js';

import { PROGRAM_TYPE } from '../guests/code-fields.js';

/** Types whose documents may carry tests: the others run code only inside a stage of another kind. */
export const TESTED_TYPES: readonly string[] = [
  'transformer',
  'js_transformer',
  'prompt',
  'prompt_template',
  PROGRAM_TYPE,
];

/** One entry of a document's `tests`, with its defaults. */
export interface DocumentTest {
  /** Default `test 1`, `test 2` … by its place. */
  readonly name: string;
  /** Default `{}`. */
  readonly input: Value;
  /** The run's session, as the code would see it. */
  readonly session: Value | undefined;
  /** Of `Math.random` and `crypto`. Default: the document's id and the test's name. */
  readonly seed: string | undefined;
  /** Where the clock starts, in milliseconds since the epoch. Default 2025-01-01. */
  readonly now: number;
  /** Seen by `db` beside what the store holds, and written nowhere. */
  readonly documents: readonly NewDocument[];
  /** What `llm.call` answers, in order: a text, or an object as a model's response. */
  readonly answers: readonly Value[];
  /**
   * Of a program, what its stages give instead of being run, by their names, each time in order:
   * an output, or `{ $error: { code, message } }` where it fails.
   */
  readonly stageAnswers: ReadonlyMap<string, readonly Value[]>;
  readonly expected: Value | undefined;
  readonly expectedError: ExpectedError | undefined;
  /** Numbers are equal when they differ by no more than this share of the larger. Default 0. */
  readonly approx: number;
}

export interface ExpectedError {
  /** The error's code, or the `code` of what the guest threw. */
  readonly code?: string;
  /** A part of the message. */
  readonly message?: string;
}

const FIELDS = [
  'name',
  'input',
  'session',
  'seed',
  'now',
  'documents',
  'answers',
  'expected',
  'expected_error',
  'approx',
];
const TESTS_MAX = 1_000;
const NOW = Date.UTC(2025, 0, 1);

/**
 * The tests that a document carries; none when it has no `tests`.
 *
 * @throws {JdbxError} INVALID_DOCUMENT at `tests.2.expected`
 */
export function readTests(document: Document | NewDocument): readonly DocumentTest[] {
  const { tests, require_tests: required, _type } = document;
  if (!TESTED_TYPES.includes(_type)) return [];
  if (required !== undefined && typeof required !== 'boolean') {
    throw invalid('require_tests', 'true or false', required);
  }
  if (tests === undefined) {
    if (required) throw invalid('tests', 'tests, since `require_tests` is true', tests);
    return [];
  }
  if (!Array.isArray(tests)) throw invalid('tests', 'a list of tests', tests);
  if (tests.length > TESTS_MAX) throw invalid('tests', `at most ${TESTS_MAX} tests`, tests);
  return tests.map((test, index) => readTest(test, index, _type === PROGRAM_TYPE));
}

function readTest(given: unknown, index: number, isProgram: boolean): DocumentTest {
  const path = `tests.${index}`;
  if (!isPlainObject(given)) throw invalid(path, 'a test', given);
  const unknown = Object.keys(given).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) {
    const text = `expected one of ${FIELDS.join(', ')}, got ${unknown}`;
    throw new JdbxError('INVALID_DOCUMENT', text, { path: `${path}.${unknown}` });
  }
  const test = given as ValueObject;
  const { name, input = {}, session, seed, expected, approx = 0 } = test;
  const hasError = test.expected_error !== undefined;
  if ((expected === undefined) === !hasError) {
    throw invalid(`${path}.expected`, 'either `expected` or `expected_error`', expected);
  }
  if (typeof approx !== 'number' || approx < 0 || approx >= 1) {
    throw invalid(`${path}.approx`, 'a share of at least 0 and less than 1', approx);
  }
  return {
    name: optionalText(name, `${path}.name`) ?? `test ${index + 1}`,
    input,
    session,
    seed: optionalText(seed, `${path}.seed`),
    now: readNow(test.now, `${path}.now`),
    documents: readFixtures(test.documents, `${path}.documents`),
    answers: isProgram ? [] : readList(test.answers, `${path}.answers`),
    stageAnswers: isProgram ? readAnswers(test.answers, `${path}.answers`) : new Map(),
    expected,
    expectedError: hasError ? readError(test.expected_error, `${path}.expected_error`) : undefined,
    approx,
  };
}

function readError(given: unknown, path: string): ExpectedError {
  const isError = isPlainObject(given) && Object.keys(given).length > 0;
  const fields = isError ? Object.entries(given) : [];
  const fits = fields.every(
    ([key, value]) => ['code', 'message'].includes(key) && typeof value === 'string',
  );
  if (!isError || !fits) throw invalid(path, '{ code } or { message } or both', given);
  return given as ExpectedError;
}

function readNow(given: unknown, path: string): number {
  if (given === undefined) return NOW;
  const ms = given instanceof Date || typeof given === 'string' ? +new Date(given) : given;
  if (typeof ms === 'number' && Number.isFinite(ms)) return ms;
  throw invalid(path, 'a time', given);
}

function readFixtures(given: unknown, path: string): readonly NewDocument[] {
  const list = readList(given, path);
  for (const [index, document] of list.entries()) {
    if (!isPlainObject(document) || typeof document._type !== 'string') {
      throw invalid(`${path}.${index}`, 'a document', document);
    }
  }
  return list as unknown as readonly NewDocument[];
}

function readAnswers(given: unknown, path: string): ReadonlyMap<string, readonly Value[]> {
  if (given === undefined) return new Map();
  if (!isPlainObject(given)) throw invalid(path, 'lists by the names of stages', given);
  return new Map(
    Object.entries(given).map(([name, list]) => {
      const answers = readList(list, `${path}.${name}`);
      for (const [index, answer] of answers.entries())
        checkFailure(answer, `${path}.${name}.${index}`);
      return [name, answers];
    }),
  );
}

function checkFailure(answer: Value, path: string): void {
  if (!isPlainObject(answer) || !Object.hasOwn(answer, '$error')) return;
  readError(answer.$error, `${path}.$error`);
}

function readList(given: unknown, path: string): readonly Value[] {
  if (given === undefined) return [];
  if (Array.isArray(given)) return given;
  throw invalid(path, 'a list', given);
}

function optionalText(given: unknown, path: string): string | undefined {
  if (given === undefined || (typeof given === 'string' && given !== '')) return given;
  throw invalid(path, 'a text', given);
}

function invalid(path: string, expected: string, got: unknown): JdbxError {
  return new JdbxError('INVALID_DOCUMENT', `expected ${expected}, got ${describeType(got)}`, {
    path,
  });
}
