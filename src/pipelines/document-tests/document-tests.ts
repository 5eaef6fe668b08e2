import { LRUCache } from 'lru-cache';
import { contentHash } from '../../base/canonical.js';
import type { Document } from '../../base/document.js';
import { describeThrown, JdbxError } from '../../base/errors.js';
import type { Value, ValueObject } from '../../base/values.js';
import { CommitDeferred } from '../../documents/commit-rules.js';
import type { Filter } from '../../documents/contract.js';
import { Gate } from '../gate.js';
import { callGuest } from '../guests/call-guest.js';
import { codeFieldOf, PROGRAM_TYPE } from '../guests/code-fields.js';
import type { CodeCommit } from '../guests/code-rules.js';
import type { FindDocument } from '../guests/guest-codes.js';
import { runProgram } from '../programs/run-program.js';
import { renderPrompt } from '../prompts/render-prompt.js';
import { rootCause } from '../stage-failure.js';
import { differences } from './compare.js';
import { explainFailure } from './explain.js';
import { type DocumentTest, type ExpectedError, readTests, TESTED_TYPES } from './read-tests.js';
import type { TestReport, TestResult, ThrownFacts } from './results.js';
import { openTestRun, type TestDeps } from './test-run.js';

const AT_ONCE = 8;
const PASSED_MAX = 10_000;
const REASON_LENGTH_MAX = 200;

/** Runs the tests that documents carry. Nothing of them is written. */
export class DocumentTests {
  readonly #deps: TestDeps;
  /** What has passed and has not changed since, for documents that demand it. */
  readonly #passed = new LRUCache<string, true>({ max: PASSED_MAX });

  constructor(deps: TestDeps) {
    this.#deps = deps;
  }

  /**
   * Runs the tests of one document, or of those that a filter finds.
   *
   * @throws {JdbxError} MISSING_DOCUMENT, INVALID_FILTER
   */
  async run(target: string | Filter): Promise<TestReport> {
    const documents = await this.#select(target);
    return reportOf((await Promise.all(this.#start(documents, () => undefined))).flat());
  }

  /**
   * Puts a commit off until the tests of what it writes have passed, where the documents
   * demand it; also of documents that import what it changes.
   *
   * @throws {CommitDeferred}
   */
  demand({ commit, written, importers }: CodeCommit): void {
    const demanding = [...written, ...importers]
      .filter((document) => document.require_tests === true)
      .map((document) => ({ document, key: this.#keyOf(document, commit.get) }))
      .filter(({ key }) => !this.#passed.has(key));
    if (demanding.length === 0) return;
    const coming = new Map(
      commit.changes.map(({ before, after }) => [(after ?? before)?._id, after]),
    );
    throw new CommitDeferred(async () => {
      const documents = demanding.map(({ document }) => document);
      const runs = this.#start(documents, (id) => coming.get(id));
      refuseFailed(reportOf((await Promise.all(runs)).flat()));
      for (const { key } of demanding) this.#passed.set(key, true);
    });
  }

  async #select(target: string | Filter): Promise<Document[]> {
    const { database } = this.#deps;
    if (typeof target !== 'string') {
      const filter = { $and: [target, { _type: { $in: TESTED_TYPES }, tests: { $exists: true } }] };
      return database.query(filter).sort({ _id: 1 }).toArray();
    }
    const document = await database.get(target);
    if (document) return [document];
    throw new JdbxError('MISSING_DOCUMENT', `expected the document ${target}`, {
      operation: 'test',
      details: { id: target },
    });
  }

  #start(documents: readonly Document[], find: FindDocument): Promise<TestResult[]>[] {
    const gate = new Gate(AT_ONCE);
    return documents.map((document) =>
      Promise.all(
        readTests(document).map((test) => gate.pass(() => this.#one(document, test, find))),
      ),
    );
  }

  async #one(document: Document, test: DocumentTest, find: FindDocument): Promise<TestResult> {
    const begun = performance.now();
    const outcome = await this.#outcomeOf(document, test, find);
    const durationMs = performance.now() - begun;
    return { document: document._id, test: test.name, durationMs, ...judge(test, outcome) };
  }

  async #outcomeOf(document: Document, test: DocumentTest, find: FindDocument): Promise<Outcome> {
    try {
      const { work, close } = openTestRun(this.#deps, document, test, find);
      try {
        if (codeFieldOf(document) === 'generator') {
          const { output } = await renderPrompt(work, document);
          return { value: promptAsExpected(output, test) };
        }
        if (document._type === PROGRAM_TYPE) {
          const { output } = await runProgram(work, document);
          return { value: output };
        }
        return await callGuest(work, { document, field: 'code', input: test.input });
      } finally {
        close();
      }
    } catch (thrown) {
      return { thrown: rootCause(thrown) };
    }
  }

  /** Equal for equal code, tests and imported code. */
  #keyOf(document: Document, find: FindDocument): string {
    const { _rev, ...body } = document;
    const { codes } = this.#deps;
    const field = codeFieldOf(document);
    const hasCode = field !== undefined && typeof document[field] === 'string';
    const imports = hasCode ? codes.link(document, field, find) : {};
    return contentHash({ body, imports } as unknown as Value);
  }
}

type Outcome =
  | { readonly value: Value; readonly facts?: ValueObject }
  | { readonly thrown: unknown };

/** A prompt's test may say just the text. */
function promptAsExpected(output: Value, { expected }: DocumentTest): Value {
  return typeof expected === 'string' ? ((output as ValueObject).prompt ?? null) : output;
}

function judge(
  { expected, expectedError, approx }: DocumentTest,
  outcome: Outcome,
): Omit<TestResult, 'document' | 'test' | 'durationMs'> {
  if ('thrown' in outcome) {
    const facts = factsOf(outcome.thrown);
    if (expectedError && isExpected(expectedError, facts)) return { ok: true };
    const { guestCode, ...error } = facts;
    return { ok: false, error, ...(expectedError ? { expectedError } : {}) };
  }
  const console = outcome.facts?.console;
  const printed = console === undefined ? {} : { console };
  const { value } = outcome;
  if (expectedError) {
    return { ok: false, expectedError, differences: [{ path: '', actual: value }], ...printed };
  }
  const found = differences(expected as Value, value, approx);
  return found.length === 0 ? { ok: true } : { ok: false, differences: found, ...printed };
}

interface Facts extends ThrownFacts {
  readonly guestCode?: string;
}

function factsOf(thrown: unknown): Facts {
  const message = describeThrown(thrown);
  if (!(thrown instanceof JdbxError)) return { code: 'UNKNOWN', message };
  const { module, line, column, guestCode } = (thrown.details ?? {}) as unknown as Facts;
  const known = { module, line, column, guestCode };
  const told = Object.entries(known).filter(([, value]) => value !== undefined);
  return { code: thrown.code, message, ...Object.fromEntries(told) };
}

function isExpected({ code, message }: ExpectedError, facts: Facts): boolean {
  const codeFits = code === undefined || code === facts.code || code === facts.guestCode;
  return codeFits && (message === undefined || facts.message.includes(message));
}

function reportOf(results: readonly TestResult[]): TestReport {
  const passed = results.filter(({ ok }) => ok).length;
  const failed = results.length - passed;
  return { ok: failed === 0, passed, failed, results };
}

function refuseFailed({ results, passed, failed }: TestReport): void {
  if (failed === 0) return;
  const failures = results.filter(({ ok }) => !ok);
  const reasons = failures.map((each) => {
    const [reason = ''] = explainFailure(each);
    return `${each.document}: ${each.test}: ${reason.slice(0, REASON_LENGTH_MAX)}`;
  });
  const text = `${failed} of ${failed + passed} tests fail; ${reasons.join('; ')}`;
  throw new JdbxError('TESTS_FAILED', text, {
    details: { failures },
  });
}
