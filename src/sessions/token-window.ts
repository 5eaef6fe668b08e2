/** Counts the tokens of a text. */
export interface TokenCounter {
  /** What counts: `gpt-tokenizer`, `given`, or `estimate`. */
  readonly name: string;
  /** True when the figure is a guess, by the length of the text. */
  readonly estimated: boolean;
  count(text: string): number;
}

/** What a turn costs beside its text: the markers of its role and its end. */
const TOKENS_PER_TURN = 4;

export interface Window<T> {
  /** The newest turns that fit, oldest first. */
  readonly turns: readonly T[];
  /** What they take. */
  readonly tokens: number;
}

/** The newest turns whose tokens together are at most `tokensMax`. */
export function tokenWindow<T extends { readonly content: string }>(
  turns: readonly T[],
  tokensMax: number,
  counter: TokenCounter,
): Window<T> {
  let tokens = 0;
  for (let at = turns.length - 1; at >= 0; at--) {
    const more = counter.count((turns[at] as T).content) + TOKENS_PER_TURN;
    if (tokens + more > tokensMax) return { turns: turns.slice(at + 1), tokens };
    tokens += more;
  }
  return { turns, tokens };
}
