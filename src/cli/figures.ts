import type { SessionUsage } from '../sessions/sessions.js';

/** `12 ms`, `3.4 s`, `2 min 05 s` */
export function showDuration(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** `1.5 MB` */
export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  while (size >= 1_000 && units.length > 1) {
    size /= 1_000;
    units.shift();
  }
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${units[0]}`;
}

/** Cents need two digits, a single call often more: `$1.25`, `$0.000412`. */
export function showCost(usd: number | undefined): string {
  if (usd === undefined) return '';
  return usd === 0 || usd >= 0.1 ? `$${usd.toFixed(2)}` : `$${usd.toPrecision(3)}`;
}

/** `1 call, 120 + 30 tokens, $0.0012`: what went in and what came out. */
export function showUsage({ calls, input_tokens, output_tokens, cost_usd }: SessionUsage): string {
  const times = `${calls} ${calls === 1 ? 'call' : 'calls'}`;
  return `${times}, ${input_tokens} + ${output_tokens} tokens, ${showCost(cost_usd)}`;
}
