import type { Document } from '../../base/document.js';
import type { ModelRequest } from '../../llm/contract.js';
import type { Slot } from '../../llm/responses/responses.js';
import type { Heard } from './heard.js';

/** One call of a model that a stage makes. */
export interface ModelCall {
  readonly integration: Document;
  readonly request: ModelRequest;
  /** Where the answer is kept. Default: it is found out. */
  readonly slot?: Slot | undefined;
  /** Tells several calls of one stage apart. */
  readonly part?: string | undefined;
  /** Hears the answer as it comes. Default: it is asked for whole. */
  readonly heard?: Heard | undefined;
  /** Told when the provider says that a limit is used up, and for how many milliseconds. */
  readonly onUsedUp?: ((ms: number) => void) | undefined;
}
