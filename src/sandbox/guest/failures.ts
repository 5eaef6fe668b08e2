// biome-ignore-all lint/style/useTemplate: a guest could reach into template literals (see intrinsics.ts)
import type { Intrinsics } from './intrinsics.js';

/** What is known of a thrown value, read without running any of the guest's code. */
export interface GuestFailure extends Origin {
  readonly name?: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** The number of the host error that is its cause, or the cause of that. */
  readonly hostCause?: number;
}

/** Where an error came from, remembered beside it where the guest cannot forge it. */
export interface Origin {
  /** The number of the host error that this one carries into the guest. */
  readonly host?: number;
  /** Set when the prelude itself refused a value that is not data. */
  readonly refused?: Refusal;
}

export interface Refusal {
  readonly path: string;
  /** What was expected and what came. */
  readonly text: string;
}

/** Makes the errors that the host and the prelude throw in the guest. */
export function createErrors({
  GuestError,
  GuestMap,
  weakGet,
  weakSet,
  defineProperty,
  setPrototypeOf,
}: Intrinsics) {
  const origins = new GuestMap<object, Origin>();

  function hide(holder: object, key: string, value: unknown): void {
    const property = { __proto__: null, value, writable: true, configurable: true };
    defineProperty(holder, key, property as PropertyDescriptor);
  }

  /** The class of what host functions throw; guests may throw their own. */
  class JdbxError extends GuestError {
    constructor(code: unknown, text: unknown = '', options?: ErrorOptions) {
      super(code + ': ' + text, options);
      hide(this, 'code', '' + code);
    }
  }
  hide(JdbxError.prototype, 'name', 'JdbxError');
  hide(globalThis, 'JdbxError', JdbxError);
  const ownPrototype = JdbxError.prototype;

  /** Not by the constructor, whose parent a guest may replace. */
  function make(message: string, code: string | undefined, origin: Origin): Error {
    const error = new GuestError(message);
    setPrototypeOf(error, ownPrototype);
    if (code !== undefined) hide(error, 'code', code);
    weakSet(origins, error, origin);
    return error;
  }

  function originOf(thrown: object): Origin {
    return (weakGet(origins, thrown) ?? { __proto__: null }) as Origin;
  }

  return { make, originOf };
}

/** Gives a function that writes what is known of a thrown value as JSON text. */
export function createDescribe(
  { getOwnPropertyDescriptor, getPrototypeOf, hasOwn, slice, stringify }: Intrinsics,
  originOf: (thrown: object) => Origin,
  inspect: (value: unknown) => string,
): (thrown: unknown) => string {
  const MESSAGE_LENGTH_MAX = 2_000;
  const STACK_LENGTH_MAX = 8_000;

  /** A data property that is a string, own or inherited; accessors are not run. */
  function readString(thrown: object, key: string, lengthMax: number): string | undefined {
    let holder: object | null = thrown;
    for (let depth = 0; holder !== null && depth < 8; depth++) {
      const descriptor = getOwnPropertyDescriptor(holder, key);
      if (descriptor) {
        const value: unknown = hasOwn(descriptor, 'value') ? descriptor.value : undefined;
        return typeof value === 'string' ? slice(value, 0, lengthMax) : undefined;
      }
      holder = getPrototypeOf(holder);
    }
    return undefined;
  }

  /** The number of the host error down the chain of causes. */
  function hostCauseOf(thrown: object): number | undefined {
    let error = thrown;
    for (let depth = 0; depth < 8; depth++) {
      const descriptor = getOwnPropertyDescriptor(error, 'cause');
      const cause: unknown = descriptor && hasOwn(descriptor, 'value') ? descriptor.value : null;
      if (typeof cause !== 'object' || cause === null) return undefined;
      const { host } = originOf(cause);
      if (host !== undefined) return host;
      error = cause;
    }
    return undefined;
  }

  /** A member of a JSON object; nothing when there is no value. */
  function member(name: string, value: string | undefined): string {
    return value === undefined ? '' : ',"' + name + '":' + stringify(value);
  }

  function describeObject(thrown: object): string {
    const { host, refused } = originOf(thrown);
    const message = readString(thrown, 'message', MESSAGE_LENGTH_MAX);
    let text = '{"message":' + stringify(message === undefined ? inspect(thrown) : message);
    text += member('name', readString(thrown, 'name', 200));
    text += member('code', readString(thrown, 'code', 200));
    text += member('stack', readString(thrown, 'stack', STACK_LENGTH_MAX));
    if (host !== undefined) text += ',"host":' + host;
    const hostCause = hostCauseOf(thrown);
    if (hostCause !== undefined) text += ',"hostCause":' + hostCause;
    if (refused) {
      text +=
        ',"refused":{"path":' +
        stringify(refused.path) +
        ',"text":' +
        stringify(refused.text) +
        '}';
    }
    return text + '}';
  }

  return function describe(thrown) {
    if (typeof thrown === 'object' && thrown !== null) return describeObject(thrown);
    return '{"message":' + stringify(slice(inspect(thrown), 0, MESSAGE_LENGTH_MAX)) + '}';
  };
}
