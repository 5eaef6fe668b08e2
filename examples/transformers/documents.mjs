import { readFileSync } from 'node:fs';

/** A transformer document whose code lies in a file of its own, where an editor helps with it. */
function transformer(name, file, more = {}) {
  const code = readFileSync(new URL(`documents/${file}`, import.meta.url), 'utf8');
  const language = file.endsWith('.ts') ? 'ts' : 'js';
  return { _id: `transformer:${name}`, _type: 'transformer', language, code, ...more };
}

const DISCOUNTS = [
  { _id: 'discount:regular', _type: 'discount', share: 0 },
  { _id: 'discount:friend', _type: 'discount', share: 0.1 },
];
const LINES = [
  { price: 19.99, count: 3 },
  { price: 0.1, count: 2 },
];

export const DOCUMENTS = [
  ...DISCOUNTS,
  transformer('money', 'money.ts'),
  transformer('discounts', 'discounts.js'),
  transformer('invoice', 'invoice.ts', {
    permissions: ['db.get:discount', 'db.put:invoice'],
    // It is stored only while these pass, and so is what it imports.
    require_tests: true,
    tests: [
      {
        name: 'adds up in cents',
        input: { number: '7', group: 'regular', lines: LINES },
        documents: DISCOUNTS,
        expected: { _id: 'invoice:7', total: '60.17', fingerprint: 'n1Jv7gWV' },
      },
      {
        name: 'knows its groups',
        input: { number: '8', group: 'stranger', lines: LINES },
        expected_error: { code: 'UNKNOWN_GROUP' },
      },
    ],
  }),
  {
    _id: 'pipeline:invoice',
    _type: 'pipeline',
    stages: [{ name: 'invoice', transformer: 'transformer:invoice', inputs: '$input' }],
  },
];

export const ORDER = { number: '2031', group: 'friend', lines: LINES };
