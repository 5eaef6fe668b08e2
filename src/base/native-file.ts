import { createRequire } from 'node:module';

/** A clone builds its own; the published package brings some along. */
const PLACES = [
  '../../native/build/Release/jdbx.node',
  `../../prebuilds/${process.platform}-${process.arch}/jdbx.node`,
];

/** What the native binary exports, or the reason why there is none. `JDBX_NATIVE=0` leaves it alone. */
export function requireNative(): object | string {
  if (process.env.JDBX_NATIVE === '0') return 'JDBX_NATIVE=0 asks for the portable index';
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const place of PLACES) {
    try {
      return require(place) as object;
    } catch (error) {
      reasons.push(String((error as Error).message.split('\n')[0]));
    }
  }
  return reasons.join('; ');
}
