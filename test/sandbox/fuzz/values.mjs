/** Values as the host hands them over: mostly data, and now and then what no document holds. */
const TEXTS = [
  '',
  'a',
  'text',
  '__proto__',
  'constructor',
  'then',
  'toJSON',
  'length',
  '\u0001',
  '\u0001d1',
  '\u0001bAA==',
  '\u0000',
  '\ud83d\ude00',
  '中文',
  '"\\',
  'x'.repeat(300),
  '0',
  '-1',
  '1e3',
  '\u2028',
];
const NUMBERS = [0, -0, 1, -1, 0.5, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 1e21, 1e-7, 5e-324];
const EXOTIC = [
  () => undefined,
  () => NaN,
  () => () => 1,
  () => Symbol('s'),
  () => 10n,
  () => new Map([[1, 2]]),
  () => Object.defineProperty({}, 'a', { get: () => 1, enumerable: true }),
  () => JSON.parse('{"__proto__":1}'),
  () => '\ud800',
];

export function hostValue(choices) {
  return choices.once(20) ? choices.from(EXOTIC)() : hostData(choices);
}

export function hostData(choices, depth = 0) {
  const kind = choices.below(depth > 3 ? 6 : 9);
  if (kind === 0) return null;
  if (kind === 1) return choices.once(2);
  if (kind === 2) return choices.from(NUMBERS);
  if (kind === 3) return choices.from(TEXTS);
  if (kind === 4) return new Date(choices.from([0, 1, -1, 1e12, 8.64e15]));
  if (kind === 5) return Uint8Array.from(choices.times(9, () => choices.below(256)));
  if (kind === 6) return choices.times(5, () => hostData(choices, depth + 1));
  const keys = choices.times(5, () => choices.from(TEXTS)).filter((key) => key !== '__proto__');
  return Object.fromEntries(keys.map((key) => [key, hostValue(choices, depth + 1)]));
}

/** What a host function does when it is called: answers, takes its time, or throws. */
export function hostAnswer(choices) {
  const value = hostValue(choices);
  const kind = choices.below(12);
  if (kind === 0) throw Object.assign(new Error('refused'), { code: 'PERMISSION_DENIED' });
  if (kind === 1) throw value;
  if (kind === 2) return Promise.reject(new TypeError('later'));
  if (kind === 3) return new Promise((resolve) => setTimeout(resolve, choices.below(3), value));
  if (kind < 6) return Promise.resolve(value);
  return value;
}
