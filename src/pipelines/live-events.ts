import { isoTime } from '../base/iso-time.js';
import type { ModelEvent } from '../llm/contract.js';
import type { RunEvents } from './events.js';

/** What this process is about in a run: it leaves no trace, and nobody else is told. */
export type LiveEvent = {
  readonly run: string;
  readonly path: string;
  /** ISO 8601, UTC. */
  readonly at: string;
} & (
  | { readonly type: 'stage-start' }
  /** A piece of an answer, of stages that say `stream`. Texts that nobody has taken yet are joined. */
  | {
      readonly type: 'model-event';
      readonly integration: string;
      /** A higher number, or another integration, makes the pieces before it void. */
      readonly attempt: number;
      readonly event: ModelEvent;
    }
);

/** The part of an emitter that is listened to. */
export interface RunEmitter {
  on<E extends 'stage-start' | 'model-event'>(
    event: E,
    listener: (...args: RunEvents[E]) => void,
  ): unknown;
  off<E extends 'stage-start' | 'model-event'>(
    event: E,
    listener: (...args: RunEvents[E]) => void,
  ): unknown;
}

/** Gathers what happens in a run, and in its child runs, until it is taken. */
export class LiveEvents {
  readonly #emitter: RunEmitter;
  readonly #run: string;
  readonly #now: () => number;
  #gathered: LiveEvent[] = [];
  #wake: (() => void) | undefined;

  constructor(emitter: RunEmitter, run: string, now: () => number) {
    this.#emitter = emitter;
    this.#run = run;
    this.#now = now;
    emitter.on('stage-start', this.#onStart);
    emitter.on('model-event', this.#onPiece);
  }

  take(): LiveEvent[] {
    return this.#gathered.splice(0);
  }

  /** Puts back what is to be told later, ahead of what has come. */
  keep(events: readonly LiveEvent[]): void {
    this.#gathered.unshift(...events);
  }

  /** Settles when there is something. */
  async some(): Promise<void> {
    if (this.#gathered.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  close(): void {
    this.#emitter.off('stage-start', this.#onStart);
    this.#emitter.off('model-event', this.#onPiece);
  }

  readonly #onStart = ({ run, path }: RunEvents['stage-start'][0]): void => {
    this.#add({ type: 'stage-start', run, path, at: this.#at });
  };

  readonly #onPiece = (told: RunEvents['model-event'][0]): void => {
    const { run, path, integration, attempt, event } = told;
    const piece = { type: 'model-event', run, path, integration, attempt, event } as const;
    this.#add({ ...piece, at: this.#at });
  };

  #add(event: LiveEvent): void {
    if (event.run !== this.#run && !event.run.startsWith(`${this.#run}/`)) return;
    const joined = joinTexts(this.#gathered.at(-1), event);
    if (joined) this.#gathered.pop();
    this.#gathered.push(joined ?? event);
    this.#wake?.();
    this.#wake = undefined;
  }

  get #at(): string {
    return isoTime(this.#now());
  }
}

/** One that is slow to take them gets fewer pieces, and none is lost. */
function joinTexts(last: LiveEvent | undefined, next: LiveEvent): LiveEvent | undefined {
  if (last?.type !== 'model-event' || next.type !== 'model-event') return undefined;
  const [left, right] = [last.event, next.event];
  if (left.kind !== 'text' || right.kind !== 'text') return undefined;
  const isSame = (['run', 'path', 'integration', 'attempt'] as const).every(
    (field) => last[field] === next[field],
  );
  return isSame ? { ...last, event: { kind: 'text', text: left.text + right.text } } : undefined;
}
