import type { Intrinsics } from './intrinsics.js';

/** What is known of a thrown value, read without running any of the guest's code. */
export interface GuestFailure {
  readonly name?: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** The number of the host error that this one carries into the guest. */
  readonly host?: number;
  /** Set when the prelude itself refused a value, with the path of what is not data. */
  readonly refusedPath?: string;
}

/** Where an error came from, remembered beside it where the guest cannot forge it. */
export interface Origin {
  readonly host?: number | undefined;
  readonly refusedPath?: string;
}

/** Makes the errors that the guest sees, and reads the ones that it throws. */
export function createFailures(
  {
    GuestError,
    GuestMap,
    weakGet,
    weakSet,
    defineProperty,
    getOwnPropertyDescriptor,
    getPrototypeOf,
    hasOwn,
    slice,
    stringify,
  }: Intrinsics,
  inspect: (value: unknown) => string,
) {
  const origins = new GuestMap<object, Origin>();
  const MESSAGE_LENGTH_MAX = 2_000;
  const STACK_LENGTH_MAX = 8_000;

  function make(message: string, code: string | undefined, origin: Origin): Error {
    const error = new GuestError(message);
    if (code !== undefined) {
      const value = { __proto__: null, value: code, writable: true, configurable: true };
      defineProperty(error, 'code', value);
    }
    weakSet(origins, error, origin);
    return error;
  }

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

  function read(thrown: unknown): GuestFailure {
    if (typeof thrown !== 'object' || thrown === null) {
      return {
        message:
          typeof thrown === 'string' ? slice(thrown, 0, MESSAGE_LENGTH_MAX) : inspect(thrown),
      };
    }
    const origin = (weakGet(origins, thrown) ?? { __proto__: null }) as Origin;
    const text = readString(thrown, 'message', MESSAGE_LENGTH_MAX);
    return {
      name: readString(thrown, 'name', 200),
      message: text === undefined ? inspect(thrown) : text,
      code: readString(thrown, 'code', 200),
      stack: readString(thrown, 'stack', STACK_LENGTH_MAX),
      host: origin.host,
      refusedPath: origin.refusedPath,
    } as GuestFailure;
  }

  /** JSON text of what is known of `thrown`. */
  function describe(thrown: unknown): string {
    const failure = read(thrown);
    // Own and without a prototype, so that no inherited `toJSON` is called.
    return stringify({ __proto__: null, ...failure });
  }

  return { make, describe };
}
