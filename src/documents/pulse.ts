/** How often an opener looks for others' commits: while someone listens; while others are there; else. */
const LISTENING_MS = 5;
const TOGETHER_MS = 100;
const ALONE_MS = 250;

export interface PulseSource {
  /** How many others there are. */
  count(): number;
  isListening(): boolean;
  beat(): void;
}

/**
 * Looks for what other processes committed, also when nobody reads here: listeners want to
 * hear of it, and who falls behind holds up the log and the pages of all. A beat that finds
 * nothing costs one load from memory. It keeps the process alive only while someone listens.
 */
export class Pulse {
  readonly #source: PulseSource;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(source: PulseSource) {
    this.#source = source;
    this.restart();
  }

  /** After listeners came or went. */
  restart(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    const isListening = this.#source.isListening();
    const others = this.#source.count();
    const pause = others === 0 ? ALONE_MS : isListening ? LISTENING_MS : TOGETHER_MS;
    this.#timer = setTimeout(() => {
      this.#source.beat();
      this.restart();
    }, pause);
    if (!isListening) this.#timer.unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}
