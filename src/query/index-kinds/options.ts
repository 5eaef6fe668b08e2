import { isPlainObject } from '../../base/values.js';
import type { IndexField, IndexKind } from '../contract.js';
import { refuseIndex } from './refuse.js';

type Document = Readonly<Record<string, unknown>>;

interface KindOption {
  readonly kind: IndexKind;
  readonly expected: string;
  readonly isValid: (value: unknown) => boolean;
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const within = (low: number, high: number) => (value: unknown) =>
  isNumber(value) && Number.isInteger(value) && value >= low && value <= high;

/** Languages of text indexes. https://www.mongodb.com/docs/manual/reference/text-search-languages/ */
const LANGUAGES = new Set(
  (
    'none danish da dutch nl english en finnish fi french fr german de hungarian hu italian it ' +
    'norwegian nb portuguese pt romanian ro russian ru spanish es swedish sv turkish tr'
  ).split(' '),
);

/** Options that one kind of index has and the others do not. */
const KIND_OPTIONS: Readonly<Record<string, KindOption>> = {
  weights: { kind: 'text', expected: 'an object of weights from 1 to 99999', isValid: isWeights },
  default_language: {
    kind: 'text',
    expected: 'a language',
    isValid: (value) => typeof value === 'string' && LANGUAGES.has(value.toLowerCase()),
  },
  language_override: {
    kind: 'text',
    expected: 'the name of a field',
    isValid: (value) => typeof value === 'string' && value !== '',
  },
  textIndexVersion: { kind: 'text', expected: 'a version from 1 to 3', isValid: within(1, 3) },
  '2dsphereIndexVersion': { kind: 'geo', expected: 'a version from 1 to 3', isValid: within(1, 3) },
  bits: { kind: 'geo', expected: 'a whole number from 1 to 32', isValid: within(1, 32) },
  min: { kind: 'geo', expected: 'a number', isValid: Number.isFinite },
  max: { kind: 'geo', expected: 'a number', isValid: Number.isFinite },
  wildcardProjection: { kind: 'wildcard', expected: 'an object of paths', isValid: isPlainObject },
};

function isWeights(weights: unknown): boolean {
  return isPlainObject(weights) && Object.values(weights).every(within(1, 99_999));
}

/** @throws {JdbxError} INVALID_INDEX for an option that is malformed, or of another kind of index */
export function checkKindOptions(document: Document, kind: IndexKind): void {
  for (const [name, option] of Object.entries(KIND_OPTIONS)) {
    const value = document[name];
    if (value === undefined) continue;
    if (!option.isValid(value)) refuseIndex(name, option.expected, value);
    if (option.kind !== kind) refuseIndex(name, `an index of the kind ${option.kind}`, kind);
  }
  const { min = -180, max = 180 } = document;
  if (Number(min) >= Number(max)) refuseIndex('max', `more than min, ${min}`, max);
}

/** A flag may also be a number, as in MongoDB. @throws {JdbxError} INVALID_INDEX */
export function readFlag(document: Document, name: string, numbers = true): boolean {
  const flag = document[name] === undefined ? false : document[name];
  if (typeof flag === 'boolean') return flag;
  if (numbers && isNumber(flag)) return flag !== 0;
  return refuseIndex(name, 'true or false', flag);
}

const EXPIRY_MAX = 2_147_483_647;

/** Seconds from the date in the field on. @throws {JdbxError} INVALID_INDEX */
export function readExpiry(
  seconds: unknown,
  fields: readonly IndexField[],
  kind: IndexKind,
): number | undefined {
  if (seconds === undefined) return undefined;
  const place = 'expireAfterSeconds';
  if (!isNumber(seconds) || !(seconds >= 0 && seconds <= EXPIRY_MAX))
    refuseIndex(place, `seconds from 0 to ${EXPIRY_MAX}`, seconds);
  if (fields.length !== 1 || kind === 'wildcard' || fields[0]?.path === '_id')
    refuseIndex(place, 'an index of one field that is not _id', kind);
  return Math.trunc(seconds);
}
