import { describe, expect, test } from 'vitest';
import {
  Permissions,
  parsePermission,
  permitHostFunctions,
  VERBS,
} from '#jdbx/sandbox/permissions.js';

describe('permissions', () => {
  test('are read with and without a type', () => {
    expect(parsePermission('db.query')).toEqual({ verb: 'db.query' });
    expect(parsePermission('db.query:pattern')).toEqual({ verb: 'db.query', type: 'pattern' });
  });

  test.each([
    ['an unknown verb', 'db.drop'],
    ['an empty type', 'db.get:'],
    ['a padded type', 'db.get: pattern'],
    ['nothing', ''],
    ['a number', 7],
  ])('refuse %s, with its place in the list', (_, text) => {
    expect(() => Permissions.parse(['db.get', text])).toThrow(/INVALID_DOCUMENT at permissions\.1/);
  });

  test('a document without a list has none, and what is no list is refused', () => {
    expect(Permissions.parse(undefined).toList()).toEqual([]);
    expect(() => Permissions.parse('db.get')).toThrow(/INVALID_DOCUMENT at permissions/);
  });

  test('several types of one verb add up, and the bare verb means all', () => {
    const typed = Permissions.parse(['db.get:a', 'db.get:b']);
    expect(typed.typesFor('db.get')).toEqual(['a', 'b']);
    expect(typed.typesFor('db.put')).toEqual([]);
    expect(Permissions.parse(['db.get:a', 'db.get']).typesFor('db.get')).toBeUndefined();
  });

  test('an intersection is never wider than either side', () => {
    const parent = Permissions.parse(['db.get', 'db.put:a', 'db.put:b', 'llm.call']);
    const child = Permissions.parse(['db.get:a', 'db.put:b', 'db.put:c', 'db.remove']);
    expect(parent.intersect(child).toList()).toEqual(['db.get:a', 'db.put:b']);
    expect(child.intersect(parent).toList()).toEqual(['db.get:a', 'db.put:b']);
    const all = Permissions.parse([...VERBS]);
    expect(child.intersect(all).toList()).toEqual(child.toList());
    expect(child.intersect(Permissions.none).toList()).toEqual([]);
    const disjoint = Permissions.parse(['db.put:z']);
    expect(parent.intersect(disjoint).allows('db.put')).toBe(false);
  });
});

describe('the host functions of a permission set', () => {
  test('hold the listed verbs, other functions, and a refusal for each unlisted verb', () => {
    const refused: string[] = [];
    const table = permitHostFunctions(
      Permissions.parse(['db.get']),
      { 'db.get': () => 'read', 'db.put': () => 'written', checkpoint: () => 'kept' },
      (verb) => refused.push(verb),
    );
    expect(table['db.get']?.()).toBe('read');
    expect(table.checkpoint?.()).toBe('kept');
    for (const verb of VERBS.filter((verb) => verb !== 'db.get')) {
      expect(() => table[verb]?.()).toThrow(/PERMISSION_DENIED/);
    }
    expect(refused).toEqual(VERBS.filter((verb) => verb !== 'db.get'));
  });
});
