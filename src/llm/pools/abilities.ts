/** What a call needs of a resource. */
export interface PoolNeed {
  /** Input and the longest answer together; it may be counted when it is first read. */
  readonly tokens: number;
  /** Of `tools`, `schema`, `images`, `files`; found out when it is first read. */
  readonly features: readonly string[];
}

/** What a resource or an integration says of itself. */
export interface Abilities {
  /** The longest request and answer that the model takes, in tokens. Default: any. */
  readonly context_tokens?: number;
  /** What the model cannot do, of `tools`, `schema`, `images`, `files`. Default: nothing. */
  readonly lacks?: readonly string[];
}

export function canTake({ context_tokens, lacks }: Abilities, need: PoolNeed): boolean {
  // Not asked for where nothing depends on it: tokens are counted, and what is needed found out.
  if (context_tokens !== undefined && need.tokens > context_tokens) return false;
  return lacks === undefined || !need.features.some((feature) => lacks.includes(feature));
}
