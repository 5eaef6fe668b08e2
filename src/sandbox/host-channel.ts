import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { JdbxError } from '../base/errors.js';
import type { Value } from '../base/values.js';
import type { CallBudget } from './call-budget.js';
import { encodeAnswer } from './guest-values.js';
import { type AnswerMessage, CONTROL, type WorkerMessage } from './messages.js';
import type { NearRequest } from './near.js';
import { decodeValue } from './values-crossing.js';

/** The worker's end: a host call that blocks until its answer or the end of the call. */
export class HostCaller {
  readonly #post: (message: WorkerMessage) => void;
  readonly #answers: MessagePort;
  readonly #control: Int32Array;
  /** Never reused in this worker, so that a late answer fits no later call. */
  #sequence = 0;

  constructor(post: (message: WorkerMessage) => void, answers: MessagePort, control: Int32Array) {
    this.#post = post;
    this.#answers = answers;
    this.#control = control;
  }

  /** The answer, or undefined when the budget ran out first. */
  call(
    id: number,
    name: string,
    argumentsText: string,
    budget: CallBudget,
  ): AnswerMessage | undefined {
    if (budget.isSpent() || !budget.takeHostCall()) return undefined;
    const sequence = ++this.#sequence;
    this.#post({ kind: 'host-call', id, sequence, name, argumentsText });
    return this.#answerTo(sequence, budget);
  }

  /** The answer to what a near function asks. @throws {Error} when the budget ran out first */
  ask(id: number, question: Value, budget: CallBudget): Value {
    const sequence = ++this.#sequence;
    this.#post({ kind: 'ask', id, sequence, question });
    const answer = this.#answerTo(sequence, budget);
    if (answer?.text !== '+') throw new Error('nobody answers');
    return answer.news as Value;
  }

  #answerTo(sequence: number, budget: CallBudget): AnswerMessage | undefined {
    while (!budget.isSpent()) {
      // Read before looking: an answer that comes in between changes it, and the wait ends at once.
      const seen = Atomics.load(this.#control, CONTROL.wake);
      const answer = this.#receive(sequence);
      if (answer) return answer;
      Atomics.wait(this.#control, CONTROL.wake, seen, budget.remainingMs);
    }
    return undefined;
  }

  #receive(sequence: number): AnswerMessage | undefined {
    for (;;) {
      const received = receiveMessageOnPort(this.#answers)?.message as AnswerMessage | undefined;
      if (received === undefined) return undefined;
      if (received.sequence === sequence) return received;
    }
  }
}

/** Wakes a worker that waits for an answer. */
export function wake(control: Int32Array): void {
  Atomics.add(control, CONTROL.wake, 1);
  Atomics.notify(control, CONTROL.wake);
}

/**
 * The main thread's end: runs the host function and gives the text to answer.
 * What it throws is kept in `errors`, and the guest sees its code and message.
 */
export async function answerHostCall(
  fn: ((...args: never[]) => unknown) | undefined,
  argumentsText: string,
  errors: unknown[],
): Promise<string> {
  try {
    const args = decodeValue(argumentsText) as never[];
    if (!fn) throw new JdbxError('PERMISSION_DENIED', 'no such host function');
    return encodeAnswer(await fn(...args));
  } catch (error) {
    const host = errors.push(error) - 1;
    const thrown = error instanceof Error ? error : new Error(String(error));
    const { code, message } = thrown as Partial<JdbxError>;
    return `-${JSON.stringify({ message, code: typeof code === 'string' ? code : undefined, host })}`;
  }
}

/** The same for what a near function asks. What fails is told there by a bare `-`. */
export function answerAsk(
  near: NearRequest | undefined,
  question: Value,
): Pick<AnswerMessage, 'text' | 'news'> {
  try {
    return near ? { text: '+', news: near.ask(question) } : { text: '-' };
  } catch {
    return { text: '-' };
  }
}
