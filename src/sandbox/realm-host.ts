import { createHash } from 'node:crypto';
import { VALUE_LIMITS } from '../base/values.js';
import { evaluateBare } from './bare-code.js';
import type { Pointer } from './engine.js';
import type { CrossingLimits } from './guest/crossing.js';
import { apiText } from './guest-apis/apis.js';
import type { GuestContext } from './guest-context.js';
import { NULL_ANSWER } from './guest-values.js';
import { HeapReader, type ReadLimits } from './heap-reader.js';
import type { CallMessage } from './messages.js';
import type { CallScope } from './realm.js';
import { HOST_FUNCTION, type RealmAddresses } from './realm-boot.js';

/** A guest's stack is short: it hands over fewer levels than a document may have. */
const DEPTH_MAX = 100;

/** How much data one result, or the arguments of one host call, may be. */
export function crossingLimits({ limits }: CallMessage): CrossingLimits {
  const { nodesMax } = VALUE_LIMITS;
  return { depthMax: DEPTH_MAX, nodesMax, lengthMax: limits.outputBytes };
}

/** What the realm of a running call asks of the host: the answers to all that it can call. */
export class RealmHost {
  readonly #guest: GuestContext;
  readonly #addresses: RealmAddresses;
  readonly #call: CallMessage;
  readonly #scope: CallScope;
  readonly #limits: ReadLimits;
  /** The text of the result that the guest handed over. */
  delivered = '';
  /** Whether the guest printed, called the host or drew a random number. */
  hasActed = false;
  /** Whether it drew a random number. */
  hasSeed = false;

  constructor(guest: GuestContext, addresses: RealmAddresses, call: CallMessage, scope: CallScope) {
    this.#guest = guest;
    this.#addresses = addresses;
    this.#call = call;
    this.#scope = scope;
    // Field by field: a spread would cost more than reading a small value.
    const { depthMax, nodesMax, lengthMax } = crossingLimits(call);
    this.#limits = { depthMax, nodesMax, lengthMax, isSpent: () => scope.budget.isSpent() };
  }

  /** Undefined when the heap of this engine cannot be read. */
  get reader(): HeapReader | undefined {
    const { heap } = this.#addresses;
    return heap && new HeapReader(this.#guest.instance.views, heap, this.#limits);
  }

  /** A text is not begun to be copied into memory that would not hold it. */
  fits(text: string): boolean {
    return text.length <= this.#guest.instance.memoryBytesMax / 4;
  }

  answer(id: number, argumentsAt: Pointer, count: number): Pointer {
    if (id >= HOST_FUNCTION.firstMember) {
      this.hasActed = true;
      const name = this.#call.host[id - HOST_FUNCTION.firstMember] as string;
      return this.#callMember(name, argumentsAt, count);
    }
    const guest = this.#guest;
    const first = guest.argumentAt(argumentsAt, 0);
    if (id === HOST_FUNCTION.deliver) return this.#deliver(first);
    if (id === HOST_FUNCTION.member) return this.#member(Number(guest.text(first)));
    if (id === HOST_FUNCTION.loadApi) return this.#loadApi(guest.text(first));
    const second = guest.argumentAt(argumentsAt, 1);
    if (id === HOST_FUNCTION.digest) return this.#digest(guest.text(first), guest.bytes(second));
    this.hasActed = true;
    if (id === HOST_FUNCTION.seedPart) return this.#seedPart(Number(guest.text(first)));
    this.#scope.log.print(guest.text(first), String(JSON.parse(guest.text(second))));
    return 0;
  }

  #member(index: number): Pointer {
    const name = this.#call.host[index] as string;
    const own = name.slice(name.indexOf('.') + 1);
    return this.#guest.fn(own, 0, HOST_FUNCTION.firstMember + index);
  }

  /** The arguments are read from memory, or the guest's end is asked for their text. */
  #callMember(name: string, argumentsAt: Pointer, count: number): Pointer {
    const text = count === 0 ? '[]' : this.reader?.readList(argumentsAt, count, 1);
    if (text !== undefined) return this.#hostCall(name, text);
    const guest = this.#guest;
    const named = guest.string(name);
    const encoded = guest.call(this.#addresses.driver.encodeArguments, [
      named,
      ...Array.from({ length: count }, (_, index) => guest.argumentAt(argumentsAt, index)),
    ]);
    guest.free(named);
    if ('thrown' in encoded) return guest.throw(encoded.thrown);
    const written = guest.text(encoded.value);
    guest.free(encoded.value);
    return this.#hostCall(name, written);
  }

  #hostCall(name: string, argumentsText: string): Pointer {
    const text = this.#scope.callHost(name, argumentsText);
    if (text !== undefined && !this.fits(text)) {
      this.#scope.budget.stop('GUEST_MEMORY', 'the answer of a host function does not fit');
    }
    const { verdict } = this.#scope.budget;
    if (verdict || text === undefined) return this.#leave();
    if (text === NULL_ANSWER) return this.#guest.null();
    return text[0] === '+' ? this.#answered(text.slice(1)) : this.#failed(text.slice(1));
  }

  /** The answer in a list, as it was written. */
  #answered(text: string): Pointer {
    const guest = this.#guest;
    const list = guest.value(text);
    if ('thrown' in list) {
      guest.free(list.thrown);
      this.#scope.budget.stop('GUEST_MEMORY', 'the answer of a host function does not fit');
      return this.#leave();
    }
    const answer = guest.item(list.value, 0);
    guest.free(list.value);
    return answer;
  }

  #failed(text: string): Pointer {
    const guest = this.#guest;
    const told = guest.string(text);
    const made = guest.call(this.#addresses.driver.failureOf, [told]);
    guest.free(told);
    return guest.throw('thrown' in made ? made.thrown : made.value);
  }

  /** A guest without a meter goes on for a while. */
  #leave(): Pointer {
    this.#guest.instance.leave();
    return this.#failed(CALL_IS_OVER);
  }

  #deliver(value: Pointer): Pointer {
    const text = this.reader?.read(value);
    if (text === undefined) return 0;
    this.delivered = text;
    return this.#guest.number(1);
  }

  /** Gives undefined when there is no memory for it. */
  #loadApi(name: string): Pointer {
    const text = apiText(name);
    const { switchAt } = this.#addresses;
    const made = text === undefined ? undefined : evaluateBare(this.#guest, text, switchAt);
    if (!made || 'value' in made) return made?.value ?? 0;
    this.#guest.free(made.thrown);
    return 0;
  }

  #digest(algorithm: string, bytes: Uint8Array): Pointer {
    const hash = createHash(algorithm.replace('-', '')).update(bytes);
    return this.#guest.string(hash.digest('hex'));
  }

  #seedPart(index: number): Pointer {
    this.hasSeed = true;
    const hash = createHash('sha256').update(this.#call.seed).digest();
    return this.#guest.number(hash.readInt32LE(index * 4));
  }
}

/** What a guest without a meter sees of a host call that outlived its call; the verdict overrules it. */
const CALL_IS_OVER = JSON.stringify({ message: 'the call is over', code: 'GUEST_TIMEOUT' });
