/** Two-sided 95 %. */
const Z = 1.96;

/**
 * Between which shares the true one lies with 95 % confidence, when `hits` of `trials` were seen
 * (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927).
 */
export function wilson(hits: number, trials: number): readonly [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const share = hits / trials;
  const middle = share + Z ** 2 / (2 * trials);
  const spread = Z * Math.sqrt((share * (1 - share)) / trials + Z ** 2 / (4 * trials ** 2));
  const scale = 1 + Z ** 2 / trials;
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
}
