import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  findJsonFault,
  JsonSyntaxError,
  readJsonText,
} from '#jdbx/documents/transfer/json-fault.js';

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('the place where text stops being JSON', () => {
  test.each([
    ['', 1, 1, 'expected a value, got the end of the text'],
    ['{foo: 1}', 1, 2, 'expected a property name in double quotes or }, got "foo"'],
    ["{'a': 1}", 1, 2, 'expected a property name in double quotes or }, got "\'"'],
    ['{"a": 1,}', 1, 9, 'expected a property name in double quotes, got "}"'],
    ['{"a" 1}', 1, 6, 'expected a colon, got "1"'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected a comma or }, got "\\""'],
    ['[1, 2,, 3]', 1, 7, 'expected a value, got ","'],
    ['[1 2]', 1, 4, 'expected a comma or ], got "2"'],
    ['[01]', 1, 2, 'expected a value or ], got "01"'],
    ['NaN', 1, 1, 'expected a value, got "NaN"'],
    ['{"a": "x', 1, 7, 'expected a string that is closed, got "\\""'],
    ['{"a": "x\ny"}', 1, 9, 'expected control characters to be escaped in a string, got "\\n"'],
    ['["\\x"]', 1, 3, 'expected an escape that JSON knows, got "\\\\"'],
    ['{} {}', 1, 4, 'expected the end of the text, got "{"'],
    ['[undefined]', 1, 2, 'expected a value or ], got "undefined"'],
  ])('of %j is line %i, column %i', (text, line, column, sentence) => {
    expect(isJson(text)).toBe(false);
    expect(findJsonFault(text)).toMatchObject({ line, column, text: sentence });
    expect(() => readJsonText(text)).toThrow(JsonSyntaxError);
  });

  test('is there exactly when the engine refuses the text', () => {
    const damaged = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '0', ' ', '\n', 'e'),
      )
      .map(([json, at, piece]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + piece + json.slice(place + 1);
      });
    fc.assert(
      fc.property(fc.oneof(fc.json(), damaged), (text) => {
        expect(findJsonFault(text) === undefined).toBe(isJson(text));
      }),
      { seed: 3, numRuns: 5_000 },
    );
  });
});
