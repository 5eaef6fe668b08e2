import type { GuestApi } from './use.js';

/** `DOMException` (https://webidl.spec.whatwg.org/#idl-DOMException): what the other interfaces throw. */
export function domExceptionApi(): GuestApi['domException'] {
  const CODES: Record<string, number> = {
    InvalidCharacterError: 5,
    NotSupportedError: 9,
    SyntaxError: 12,
    TypeMismatchError: 17,
    QuotaExceededError: 22,
    DataCloneError: 25,
  };

  class DOMException extends Error {
    readonly code: number;

    constructor(message = '', name = 'Error') {
      super(message);
      const property = { value: name, writable: true, configurable: true };
      Object.defineProperty(this, 'name', property);
      this.code = CODES[name] ?? 0;
    }
  }
  return { DOMException };
}
