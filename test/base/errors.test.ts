import { expect, test } from 'vitest';
import { describeThrown, ERROR_CODES, isJdbxError, JdbxError } from '#jdbx/base/errors.js';

test('a message names the code, the place and what was wrong', () => {
  const error = new JdbxError('INVALID_DOCUMENT', 'expected a finite number, got NaN', {
    path: 'metrics.rate',
  });
  expect(error.message).toBe('INVALID_DOCUMENT at metrics.rate: expected a finite number, got NaN');
  expect(String(error)).toBe(`JdbxError: ${error.message}`);
});

test('a message without a place has none', () => {
  expect(new JdbxError('CONFLICT', 'expected revision 2, got 3').message).toBe(
    'CONFLICT: expected revision 2, got 3',
  );
  expect(new JdbxError('CONFLICT', 'at the top', { path: '' }).message).toBe(
    'CONFLICT: at the top',
  );
});

test('an error carries its facts', () => {
  const cause = new Error('socket closed');
  const details = { status: 503 };
  const error = new JdbxError('MODEL_UNAVAILABLE', 'expected an answer, got none', {
    path: 'integration:a',
    operation: 'generate',
    cause,
    details,
  });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'JdbxError',
    code: 'MODEL_UNAVAILABLE',
    path: 'integration:a',
    operation: 'generate',
    details,
  });
  expect(error.cause).toBe(cause);
});

test('an error without a cause has no such property', () => {
  expect('cause' in new JdbxError('CONFLICT', 'x')).toBe(false);
});

test('as JSON an error is its code, message, path and details, without stack or cause', () => {
  const bare = new JdbxError('CONFLICT', 'x', { cause: new Error('secret') });
  expect(JSON.parse(JSON.stringify(bare))).toEqual({ code: 'CONFLICT', message: 'CONFLICT: x' });
  const full = new JdbxError('CONFLICT', 'x', { path: 'a', details: { rev: 2 }, operation: 'put' });
  expect(JSON.parse(JSON.stringify(full))).toEqual({
    code: 'CONFLICT',
    message: 'CONFLICT at a: x',
    path: 'a',
    details: { rev: 2 },
  });
});

test('isJdbxError asks for any code, or one of several', () => {
  const error: unknown = new JdbxError('CONFLICT', 'x');
  expect(isJdbxError(error)).toBe(true);
  expect(isJdbxError(error, 'STORE_FULL', 'CONFLICT')).toBe(true);
  expect(isJdbxError(error, 'STORE_FULL')).toBe(false);
  expect(isJdbxError(new Error('CONFLICT'))).toBe(false);
  expect(isJdbxError({ code: 'CONFLICT' })).toBe(false);
  expect(isJdbxError(undefined)).toBe(false);
});

test('describeThrown is one line about anything thrown', () => {
  expect(describeThrown(new TypeError('bad'))).toBe('bad');
  expect(describeThrown('text')).toBe('text');
  expect(describeThrown(undefined)).toBe('undefined');
  expect(describeThrown(null)).toBe('null');
});

test('every code is in capitals and has a sentence of its own', () => {
  for (const [code, sentence] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(sentence.length).toBeGreaterThan(10);
  }
  expect(new Set(Object.values(ERROR_CODES)).size).toBe(Object.keys(ERROR_CODES).length);
});
