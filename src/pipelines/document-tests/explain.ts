import { stringifyValue } from '../../base/extended-json.js';
import type { Value } from '../../base/values.js';
import type { Difference } from './compare.js';
import type { TestResult, ThrownFacts } from './results.js';

/** Why a test failed, a line for each difference; nothing when it passed. */
export function explainFailure({
  differences = [],
  error,
  expectedError,
}: Omit<TestResult, 'document' | 'test' | 'durationMs'>): string[] {
  const wanted = expectedError ? [`expected an error, ${JSON.stringify(expectedError)}`] : [];
  if (error) return [...wanted, `got ${showThrown(error)}`];
  return [...wanted, ...differences.map(showDifference)];
}

function showThrown({ message, module, line, column }: ThrownFacts): string {
  if (module === undefined || line === undefined) return message;
  return `${message} (${module}, line ${line}, column ${column})`;
}

function showDifference({ path, expected, actual }: Difference): string {
  const at = path === '' ? '' : `${path}: `;
  const got = `got ${show(actual)}`;
  return expected === undefined && path === '' ? got : `${at}expected ${show(expected)}, ${got}`;
}

function show(value: Value | undefined): string {
  return value === undefined ? 'nothing' : stringifyValue(value);
}
