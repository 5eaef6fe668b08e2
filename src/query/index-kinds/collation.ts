import { isPlainObject, type Value } from '../../base/values.js';
import { refuseIndex } from './refuse.js';

/** How a unique index tells texts apart. https://www.mongodb.com/docs/manual/reference/collation/ */
export interface Collation {
  readonly locale: string;
  /** 1: base letters; 2: accents too; 3 and above: case too. Default 3. */
  readonly strength: number;
  /** At strength 1 and 2, tells cases apart nevertheless. Default false. */
  readonly caseLevel: boolean;
}

/** Names of the options, with what each may be. */
const OPTIONS: Readonly<Record<string, (value: unknown) => boolean>> = {
  locale: (value) => typeof value === 'string',
  strength: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 5,
  caseLevel: isBoolean,
  caseFirst: (value) => ['upper', 'lower', 'off'].includes(value as string),
  numericOrdering: isBoolean,
  alternate: (value) => ['non-ignorable', 'shifted'].includes(value as string),
  maxVariable: (value) => ['punct', 'space'].includes(value as string),
  normalization: isBoolean,
  backwards: isBoolean,
  version: (value) => typeof value === 'string',
};

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

/** @returns undefined for the locale `simple`, which compares by code points as we do anyway */
export function readCollation(collation: unknown): Collation | undefined {
  if (!isPlainObject(collation)) refuseIndex('collation', 'an object with a locale', collation);
  for (const [name, value] of Object.entries(collation)) {
    const place = `collation.${name}`;
    if (!Object.hasOwn(OPTIONS, name)) refuseIndex(place, 'an option of collations', value);
    if (!OPTIONS[name]?.(value)) refuseIndex(place, 'a value that this option has', value);
  }
  const { locale, strength = 3, caseLevel = false } = collation;
  if (locale === 'simple') return undefined;
  if (typeof locale !== 'string' || !isKnown(locale))
    refuseIndex('collation.locale', 'a known locale', locale);
  return { locale, strength: Number(strength), caseLevel: caseLevel === true };
}

function isKnown(locale: string): boolean {
  try {
    return Intl.Collator.supportedLocalesOf([locale.replaceAll('_', '-')]).length > 0;
  } catch {
    return false;
  }
}

/** A value under whose key all values lie that the collation takes for equal. */
export function collated(value: Value | undefined, collation: Collation): Value | undefined {
  if (typeof value === 'string') return collatedText(value, collation);
  if (Array.isArray(value)) return value.map((item) => collated(item, collation) as Value);
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value).map(([name, item]) => [
    name,
    collated(item as Value, collation),
  ]);
  return Object.fromEntries(entries) as Value;
}

function collatedText(text: string, { locale, strength, caseLevel }: Collation): string {
  if (strength >= 3) return text.normalize('NFC');
  const folds = !caseLevel;
  const base = strength === 1 ? text.normalize('NFD').replace(/\p{M}/gu, '') : text;
  const folded = folds ? base.toLocaleLowerCase(locale.replaceAll('_', '-')) : base;
  return folded.normalize('NFC');
}
