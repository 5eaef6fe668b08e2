const RENARD_80 = [
  1.03, 1.06, 1.09, 1.12, 1.15, 1.18, 1.22, 1.25, 1.28, 1.32, 1.36, 1.4, 1.45, 1.5, 1.55, 1.6, 1.65, 1.7, 1.75, 1.8, 1.85, 1.9, 1.95, 2, 2.06, 2.12, 2.18, 2.24, 2.3, 2.36, 2.43, 2.5, 2.58, 2.65, 2.72, 2.8, 2.9, 3, 3.07, 3.15, 3.25, 3.35, 3.45, 3.55, 3.65, 3.75, 3.87, 4, 4.12, 4.25, 4.37, 4.5, 4.62, 4.75, 4.87, 5, 5.15, 5.3, 5.45, 5.6, 5.8, 6, 6.15, 6.3, 6.5, 6.7, 6.9, 7.1, 7.3, 7.5, 7.75, 8, 8.25, 8.5, 8.75, 9, 9.25, 9.5, 9.75, 10,
]; // biome-ignore format: a table
const E192 = decade(192);

/** The preferred numbers of one decade. https://en.wikipedia.org/wiki/Preferred_number */
export const SERIES: Readonly<Record<string, readonly number[]>> = {
  R5: [1, 1.6, 2.5, 4, 6.3],
  R10: [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8],
  R20: [1, 1.12, 1.25, 1.4, 1.6, 1.8, 2, 2.24, 2.5, 2.8, 3.15, 3.55, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9],
  R40: [1, 1.06, 1.12, 1.18, 1.25, 1.32, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2, 2.12, 2.24, 2.36, 2.5, 2.65, 2.8, 3, 3.15, 3.35, 3.55, 3.75, 4, 4.25, 4.5, 4.75, 5, 5.3, 5.6, 6, 6.3, 6.7, 7.1, 7.5, 8, 8.5, 9, 9.5],
  R80: RENARD_80,
  '1-2-5': [1, 2, 5],
  E6: [1, 1.5, 2.2, 3.3, 4.7, 6.8],
  E12: [1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2],
  E24: [1, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2, 2.2, 2.4, 2.7, 3, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8, 7.5, 8.2, 9.1],
  E48: E192.filter((_, at) => at % 4 === 0),
  E96: E192.filter((_, at) => at % 2 === 0),
  E192,
  POWERSOF2: [],
}; // biome-ignore format: a table

/** Steps of equal ratio, of three digits; one of them was set otherwise by the standard. */
function decade(steps: number): number[] {
  return Array.from({ length: steps }, (_, at) => {
    const value = Math.round(100 * 10 ** (at / steps)) / 100;
    return value === 9.19 ? 9.2 : value;
  });
}

/** The least number of the series above a number; 0 stays. */
export function roundUp(series: string, value: number): number {
  if (value === 0) return 0;
  return neighbours(series, value).find((number) => number > value) as number;
}

/** The greatest number of the series below a number; 0 stays. */
export function roundDown(series: string, value: number): number {
  if (value === 0) return 0;
  return neighbours(series, value).findLast((number) => number < value) as number;
}

/** The numbers of the series around a value, in order. */
function neighbours(series: string, value: number): readonly number[] {
  if (series === 'POWERSOF2') {
    const power = Math.floor(Math.log2(value));
    return [-1, 0, 1, 2].map((more) => 2 ** (power + more));
  }
  const power = Math.floor(Math.log10(value));
  return [-1, 0, 1, 2].flatMap((more) =>
    (SERIES[series] as readonly number[]).map((number) => Number(`${number}e${power + more}`)),
  );
}
