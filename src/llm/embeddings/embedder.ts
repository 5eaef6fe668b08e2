import type { Price } from '../contract.js';

/**
 * Turns texts into vectors that lie close where their meanings do. Vectors of different
 * embedders cannot be compared, so `id` is stored beside each.
 */
export interface Embedder {
  /** Provider, model, version and dimensions: `openai/text-embedding-3-small@1536`. */
  readonly id: string;
  readonly dims: number;
  /** `lexical` compares words: near texts may mean opposite things. */
  readonly kind: 'semantic' | 'lexical';
  /** The longest text, in tokens. */
  readonly maxTokens?: number;
  /** What it costs; `input_per_million` counts. Default: as the prices of `billed` say. */
  readonly price?: Price | undefined;
  /** Whose price documents count where it has no price itself. Default: it costs nothing. */
  readonly billed?: { readonly provider: string; readonly model: string } | undefined;
  /**
   * One vector of length 1 for each text, in their order.
   *
   * @throws {JdbxError} as `Provider.generate`
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
}

export interface EmbedOptions {
  /** Some models embed what is looked for otherwise than what is found. */
  readonly purpose?: 'query' | 'document' | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told the tokens of each request, as the provider counted them. */
  readonly onTokens?: ((tokens: number) => void) | undefined;
}

/** Scales a vector to length 1; one of zeros stays. */
export function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => (length === 0 ? 0 : value / length));
}
