import type { UrlRecord } from './url-record.js';

/**
 * Everything in this folder but `apis.ts` becomes text and runs inside the guest's realm
 * when the guest first uses it: so each function stands alone, with its parameters and the
 * language, no import and no module variable. Unlike the prelude it may be lenient: it
 * serves the guest, holds nothing of the host, and a guest that replaces built-ins under
 * it harms itself alone.
 */

/** Gives what another file of this folder makes. */
export type Use = <N extends keyof GuestApi>(part: N) => GuestApi[N];

/** What the realm lends to these: nothing that a guest could turn against it. */
export interface ApiHooks {
  /** The next 32 bits of the generator behind `Math.random`. */
  random32(): number;
  /** A hash by the host, in hexadecimal. */
  digest(algorithm: string, data: ArrayBuffer): string;
  inspect(value: unknown): string;
}

interface Decoder {
  decode(input?: unknown, options?: { stream?: boolean }): string;
}

/** What each file makes: globals of guests, and what the files need of each other. */
export interface GuestApi {
  readonly base64: { atob(data: unknown): string; btoa(data: unknown): string };
  readonly consoleTable: { table(data: unknown, columns?: readonly string[]): string };
  readonly crypto: { readonly crypto: object };
  readonly domException: { readonly DOMException: new (message?: string, name?: string) => Error };
  readonly queueMicrotask: { queueMicrotask(callback: () => void): void };
  readonly structuredClone: {
    structuredClone(value?: unknown, options?: { transfer?: unknown[] }): unknown;
  };
  readonly textCoding: {
    readonly TextEncoder: new () => { encode(text?: unknown): Uint8Array };
    readonly TextDecoder: new (
      label?: unknown,
      options?: { fatal?: boolean; ignoreBOM?: boolean },
    ) => Decoder;
  };
  readonly url: { readonly URL: new (...args: unknown[]) => object };
  readonly urlHost: {
    /** The host as URLs write it; undefined when it is none. */
    parseHost(text: string, isOpaque: boolean): string | undefined;
    percentDecode(text: string): string;
    percentEncode(text: string, mustEncode: RegExp): string;
  };
  readonly urlParse: {
    parse(input: string, base: UrlRecord | undefined): UrlRecord | undefined;
    serialize(url: UrlRecord): string;
    serializePath(url: UrlRecord): string;
    isSpecial(url: UrlRecord): boolean;
    setPort(text: string, url: UrlRecord): boolean;
    parsePath(text: string, url: UrlRecord, path: string[]): UrlRecord;
    encodeQuery(text: string, url: UrlRecord): string;
    encodeFragment(text: string): string;
    encodeUser(text: string): string;
  };
  readonly urlSearchParams: {
    readonly URLSearchParams: new (init?: unknown) => object;
    /** The list of a URL's query, and the way to set it when the query is. */
    attach(
      query: string,
      changed: (text: string) => void,
    ): { readonly params: object; set(next: string): void };
  };
}
