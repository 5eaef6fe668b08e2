import { AnswerBuilder, eventsOf } from './answer-builder.js';
import type {
  ModelEvent,
  ModelResponse,
  Provider,
  ProviderCall,
  ToolCallDelta,
} from './contract.js';
import { type Redact, redactor, secretForms } from './redact.js';
import { StreamRedactor } from './stream-redactor.js';

type Tell = (event: ModelEvent) => void;

/**
 * Makes one attempt, tells its answer piece by piece, without the secret, and gives it
 * whole in the end. A provider that does not stream tells its answer in one piece.
 *
 * @throws {JdbxError} as `Provider.stream`
 */
export async function generateStreamed(
  provider: Provider,
  call: ProviderCall,
  tell: Tell,
): Promise<ModelResponse> {
  const show = new Showing(call.secret, tell);
  const builder = new AnswerBuilder();
  const take = (event: ModelEvent) => {
    builder.take(event);
    show.take(event);
  };
  if (provider.tell) await provider.tell(call, take);
  else for await (const event of provider.stream?.(call) ?? wholeOf(provider, call)) take(event);
  show.flush();
  return builder.response(call.request.model);
}

async function* wholeOf(provider: Provider, call: ProviderCall): AsyncGenerator<ModelEvent> {
  yield* eventsOf(await provider.generate(call));
}

/** Tells events on, cleaned; what is told in pieces is cleaned across them. */
class Showing {
  readonly #tell: Tell;
  readonly #redact: Redact;
  readonly #forms: readonly string[];
  /** What is told in pieces, each with the way to make an event of a text. */
  readonly #threads = new Map<string, Thread>();

  constructor(secret: string | undefined, tell: Tell) {
    const secrets = secret === undefined ? [] : [secret];
    this.#tell = tell;
    this.#redact = redactor(secrets);
    this.#forms = secretForms(secrets);
  }

  take(event: ModelEvent): void {
    if (this.#forms.length === 0) this.#tell(event);
    else if (event.kind === 'text') this.#show(event, (text) => ({ kind: 'text', text }));
    else if (event.kind === 'reasoning') this.#show(event, (text) => ({ kind: 'reasoning', text }));
    else if (event.kind === 'tool-call') this.#showCall(event);
    else this.#showFacts(event);
  }

  /** Tells what was held back. */
  flush(): void {
    for (const { cleaner, toEvent } of this.#threads.values()) {
      const rest = cleaner.end();
      if (rest !== '') this.#tell(toEvent(rest));
    }
  }

  #showCall({ arguments: json, ...named }: ToolCallDelta): void {
    const { kind, index } = named;
    if (named.id !== undefined || named.name !== undefined) this.#tell(this.#redact(named));
    if (json === undefined) return;
    const piece = { kind: `${kind}/${index}`, text: json };
    this.#show(piece, (text) => ({ kind, index, arguments: text }));
  }

  /** What was held back goes before the end. */
  #showFacts(event: ModelEvent): void {
    if (event.kind === 'finish') this.flush();
    this.#tell(this.#redact(event));
  }

  #show({ kind, text }: { kind: string; text: string }, toEvent: Thread['toEvent']): void {
    const thread = this.#threads.get(kind) ?? this.#begin(kind, toEvent);
    const shown = thread.cleaner.take(text);
    if (shown !== '') this.#tell(toEvent(shown));
  }

  #begin(name: string, toEvent: Thread['toEvent']): Thread {
    const thread = { cleaner: new StreamRedactor(this.#redact, this.#forms), toEvent };
    this.#threads.set(name, thread);
    return thread;
  }
}

interface Thread {
  readonly cleaner: StreamRedactor;
  readonly toEvent: (text: string) => ModelEvent;
}
