/**
 * What code inside a transformer document sees: the global `db`, `llm`, `console` and the
 * rest, for an editor that completes them. In the folder of the transformers' sources:
 *
 *     // tsconfig.json
 *     { "compilerOptions": { "lib": ["es2023"], "types": ["jdbx/guest"], "strict": true } }
 *
 * or, in a file, `/// <reference types="jdbx/guest" />`. Which verbs a document may really
 * call is decided by its `permissions`.
 */

/** What documents hold and what crosses into and out of the sandbox. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Date
  | Uint8Array
  | readonly Value[]
  | { readonly [key: string]: Value | undefined };

/** `T` where it is data: functions, symbols and big integers in it are `never`. */
export type Data<T> = T extends null | undefined | boolean | number | string | Date | Uint8Array
  ? T
  : T extends ((...args: never[]) => unknown) | symbol | bigint
    ? never
    : T extends object
      ? { readonly [K in keyof T]: Data<T[K]> }
      : unknown extends T
        ? T
        : never;

/** A stored document. */
export interface Document {
  readonly _id: string;
  readonly _type: string;
  /** 1, 2, 3 … of this `_id`. */
  readonly _rev: number;
}

/** A stored document whose fields are not known. */
export interface AnyDocument extends Document {
  // Without a type of its own a document's fields are anything, as parsed JSON is.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly [field: string]: any;
}

/** What a writer hands in. */
export interface NewDocument {
  /** Made as `TYPE:…` when absent. */
  readonly _id?: string;
  readonly _type: string;
  /** Asks that the current revision be this one. */
  readonly _rev?: number;
}

/** The fields of a transformer document's own types, with those that every document has. */
export type Stored<T> = Omit<T, keyof Document> & Document;

/** A filter in MongoDB's language. */
export type Filter = { readonly [key: string]: unknown };

/** Which way to sort, by path. */
export type Sort = { readonly [path: string]: 1 | -1 };

/** Which fields come: 1 takes, 0 leaves out. */
export type Projection = { readonly [path: string]: unknown };

type Paths<V = unknown> = { readonly [path: string]: V };

/** Update operators in MongoDB's language. */
export interface UpdateOperators {
  readonly $set?: Paths;
  readonly $setOnInsert?: Paths;
  readonly $unset?: Paths;
  readonly $rename?: Paths<string>;
  readonly $inc?: Paths<number>;
  readonly $mul?: Paths<number>;
  readonly $min?: Paths;
  readonly $max?: Paths;
  readonly $currentDate?: Paths;
  readonly $bit?: Paths;
  readonly $push?: Paths;
  readonly $addToSet?: Paths;
  readonly $pull?: Paths;
  readonly $pullAll?: Paths<readonly unknown[]>;
  readonly $pop?: Paths<1 | -1>;
}

/** One document by its id, or those that a filter finds. */
export type Target = string | Filter;

export interface UpdateOptions {
  /** Change every document that is found, not just the first. Default false. */
  readonly many?: boolean;
  /** Insert a document made from filter and update when none is found. Default false. */
  readonly upsert?: boolean;
  readonly arrayFilters?: readonly Filter[];
}

export interface UpdateResult {
  readonly matched: number;
  readonly modified: number;
  /** The id of the document that an upsert made. */
  readonly upserted?: string;
}

export interface QueryOptions {
  readonly sort?: Sort;
  readonly skip?: number;
  readonly limit?: number;
  readonly project?: Projection;
}

/**
 * The documents that a query finds: an array that is read when it is first looked at.
 * `await` on it gives the array.
 */
export interface Cursor<T> extends Array<T> {
  /** With an object it says how the store sorts; with a function it is the array's own. */
  sort(by: Sort): Cursor<T>;
  sort(compare?: (left: T, right: T) => number): this;
  skip(count: number): Cursor<T>;
  limit(count: number): Cursor<T>;
  project<P = AnyDocument>(projection: Projection): Cursor<P>;
  /** The first document, without reading others. */
  first(): T | null;
  toArray(): T[];
  /** How many there are, without reading them. */
  count(): number;
  /** Which plan finds them. */
  explain(): { readonly [key: string]: unknown };
}

/**
 * The verbs of the store, as far as `permissions` list them. A stage's reads come from one
 * snapshot and its own writes; its writes are committed with the stage, or not at all. They
 * return at once; `await` on them works too. What they refuse is a `JdbxError`.
 */
export interface GuestDatabase {
  /** The document, or null. Permission `db.get`. */
  get<T = AnyDocument>(id: string): Stored<T> | null;
  /** In the order of the ids, null for those that are not there. Permission `db.getMany`. */
  getMany<T = AnyDocument>(ids: readonly string[]): (Stored<T> | null)[];
  /** Permission `db.query`. */
  query<T = AnyDocument>(filter?: Filter, options?: QueryOptions): Cursor<Stored<T>>;
  /** Permission `db.aggregate`. */
  aggregate<T = { readonly [key: string]: unknown }>(stages: readonly Filter[]): T[];
  /** Stores a document that must not be there yet. Permission `db.insert`. */
  insert<const T extends NewDocument>(document: T & Data<T>): Stored<T>;
  /** Stores a document, replacing what is there. Permission `db.put`. */
  put<const T extends NewDocument>(document: T & Data<T>): Stored<T>;
  /** Permission `db.update`. */
  update(
    target: Target,
    update: UpdateOperators | readonly Filter[],
    options?: UpdateOptions,
  ): UpdateResult;
  /** Permission `db.remove`. */
  remove(target: Target, options?: { readonly many?: boolean }): { readonly removed: number };
  /** Kept revisions, oldest first. Permission `db.history`. */
  history<T = AnyDocument>(id: string): Stored<T>[];
}

export interface ModelMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

interface RequestParts {
  readonly system?: string;
  /** Passages to answer from. */
  readonly context?: string | readonly string[];
  /** Names the recorded call to answer with. */
  readonly key?: string;
}

/** What to ask: a text, or an object with exactly one of `prompt`, `text`, `messages`. */
export type ModelRequest =
  | string
  | (RequestParts & { readonly prompt: string })
  | (RequestParts & { readonly text: string })
  | (RequestParts & { readonly messages: readonly ModelMessage[] });

export interface ModelResponse {
  readonly text: string;
  readonly model: string;
  readonly finish: 'stop' | 'length' | 'tool' | 'filter' | 'other';
  readonly usage: { readonly input_tokens?: number; readonly output_tokens?: number };
  readonly extra?: { readonly [key: string]: Value };
}

export interface GuestModels {
  /** Calls a model by its integration's id. Permission `llm.call`, or `llm.call:ID`. */
  call(integration: string, request: ModelRequest): ModelResponse;
}

/** A session document, as a parameter named `session` receives it. */
export interface Session<State = { readonly [key: string]: Value | undefined }> extends Document {
  readonly state: State;
  /** How many turns it has. */
  readonly turns: number;
}

/** A turn of a session, as in a parameter named `history`. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/**
 * A transformer's entry: `const score: Transformer<In, Out> = (input) => …`. With several
 * parameters each is found by its name, in the input and then in the context.
 */
export type Transformer<Input = AnyDocument, Output = Value> = (
  input: Input,
) => Output | Promise<Output>;

declare global {
  const db: GuestDatabase;
  const llm: GuestModels;

  /** What host functions throw; code may throw its own: `new JdbxError('NO_STOCK', 'none left')`. */
  class JdbxError extends Error {
    /** Its message is `CODE: text`. */
    constructor(code: string, text?: string, options?: { cause?: unknown });
    /** One of the store's codes, or the code's own. */
    readonly code: string;
  }

  /** Captured into the stage's audit document: the first 200 lines and 64 KiB of a call. */
  interface Console {
    debug(...values: unknown[]): void;
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
    table(rows: unknown, columns?: readonly string[]): void;
  }
  var console: Console;

  interface Crypto {
    /** From the call's seed: a replay gives the same. Unique and even, and no secret. */
    getRandomValues<T extends ArrayBufferView>(array: T): T;
    /** Version 4, from the call's seed. */
    randomUUID(): string;
    readonly subtle: {
      digest(
        algorithm: DigestName | { readonly name: DigestName },
        data: ArrayBuffer | ArrayBufferView,
      ): Promise<ArrayBuffer>;
    };
  }
  type DigestName = 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
  var crypto: Crypto;

  function atob(data: string): string;
  function btoa(data: string): string;
  function queueMicrotask(callback: () => void): void;
  function structuredClone<T>(value: T): T;

  class TextEncoder {
    readonly encoding: string;
    encode(input?: string): Uint8Array;
    encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
  }
  /** UTF-8 alone. */
  class TextDecoder {
    constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
  }

  /** The WHATWG's, without the tables of international domains (UTS #46). */
  class URL {
    constructor(url: string | URL, base?: string | URL);
    static canParse(url: string | URL, base?: string | URL): boolean;
    static parse(url: string | URL, base?: string | URL): URL | null;
    href: string;
    readonly origin: string;
    protocol: string;
    username: string;
    password: string;
    host: string;
    hostname: string;
    port: string;
    pathname: string;
    search: string;
    readonly searchParams: URLSearchParams;
    hash: string;
    toString(): string;
    toJSON(): string;
  }
  class URLSearchParams {
    constructor(
      init?:
        | string
        | URLSearchParams
        | Iterable<readonly [string, string]>
        | { readonly [name: string]: string },
    );
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    forEach(callback: (value: string, name: string, params: URLSearchParams) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
    toString(): string;
  }

  class DOMException extends Error {
    constructor(message?: string, name?: string);
    readonly code: number;
  }
}
