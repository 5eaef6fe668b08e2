import type { Document } from '../../base/document.js';
import type { Value } from '../../base/values.js';
import type { ModelRequest } from '../../llm/contract.js';
import type { CallEnd } from '../../llm/pools/resource-state.js';
import type { Slot } from '../../llm/responses/responses.js';

/** One integration that a call may go to. */
export interface Target {
  readonly integration: Document;
  /** The request as it was made for the integration already. Default: it is made when it is sent. */
  readonly request?: ModelRequest | undefined;
  /** Where the answer to that request is kept. Default: it is found out. */
  readonly slot?: Slot | undefined;
  /** What the stage's audit document says of the choice beside the integration. */
  readonly facts?: { readonly [name: string]: Value };
  /** Tells how the call ended; a pool wants to know. */
  ended?(end: CallEnd): void | Promise<void>;
}

/** The integrations that a stage may call, one after the other. */
export interface Targets {
  /**
   * The next one to try; undefined when there are no more.
   *
   * @param signal ends the waiting for one. Default: the stage's own
   */
  next(signal?: AbortSignal): Target | undefined | Promise<Target | undefined>;
}
