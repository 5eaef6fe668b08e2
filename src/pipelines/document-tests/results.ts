import type { Value } from '../../base/values.js';
import type { Difference } from './compare.js';
import type { ExpectedError } from './read-tests.js';

export interface TestReport {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  /** One for each test, by document and in the order of its `tests`. */
  readonly results: readonly TestResult[];
}

export interface TestResult {
  readonly document: string;
  readonly test: string;
  readonly ok: boolean;
  /** Wall time. */
  readonly durationMs: number;
  /** Where the result departs from `expected`. */
  readonly differences?: readonly Difference[];
  /** What was thrown and not expected, or not so. */
  readonly error?: ThrownFacts;
  readonly expectedError?: ExpectedError;
  readonly console?: Value;
}

export interface ThrownFacts {
  readonly code: string;
  readonly message: string;
  readonly module?: string;
  readonly line?: number;
  readonly column?: number;
}
