import type { GuestApi, Use } from './use.js';

/** `URLSearchParams` (https://url.spec.whatwg.org/#interface-urlsearchparams). */
export function urlSearchParamsApi(use: Use): GuestApi['urlSearchParams'] {
  const { percentDecode, percentEncode } = use('urlHost');
  const FORM = /[^A-Za-z0-9*\-._]/;

  function parse(text: string): [string, string][] {
    return text
      .split('&')
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=');
        const decode = (side: string) => percentDecode(side.replaceAll('+', ' ')).toWellFormed();
        return at < 0
          ? [decode(part), '']
          : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
      });
  }

  function encode(text: string): string {
    return percentEncode(text, FORM).replaceAll('%20', '+');
  }

  /** Pairs out of what the constructor takes. */
  function pairsOf(init: unknown): [string, string][] {
    if (init === undefined) return [];
    if ((typeof init !== 'object' || init === null) && typeof init !== 'function') {
      return parse(String(init).toWellFormed().replace(/^\?/, ''));
    }
    const source = init as { [Symbol.iterator]?: unknown };
    if (source[Symbol.iterator] !== undefined && source[Symbol.iterator] !== null) {
      return Array.from(init as Iterable<Iterable<unknown>>, (pair) => {
        const items = [...pair];
        if (items.length !== 2) throw new TypeError('expected pairs of a name and a value');
        return [text(items[0]), text(items[1])];
      });
    }
    const record = init as Record<string, unknown>;
    return Object.keys(record).map((key) => [text(key), text(record[key])]);
  }

  function text(value: unknown): string {
    return String(value).toWellFormed();
  }

  function need(count: number, got: number): void {
    if (got < count) throw new TypeError(`expected ${count} arguments, got ${got}`);
  }

  class URLSearchParams {
    #pairs: [string, string][];
    /** Told of each change: the URL that the list belongs to. */
    #changed: () => void = () => {};

    constructor(init?: unknown) {
      this.#pairs = pairsOf(init);
    }

    /** The list of a URL's query, and the way to set it when the query is. */
    static attach(query: string, changed: (text: string) => void) {
      const params = new URLSearchParams();
      params.#pairs = parse(query);
      params.#changed = () => changed(params.toString());
      const set = (next: string) => {
        params.#pairs = parse(next);
      };
      return { params, set };
    }

    get size(): number {
      return this.#pairs.length;
    }

    append(...args: unknown[]): void {
      need(2, args.length);
      this.#pairs.push([text(args[0]), text(args[1])]);
      this.#changed();
    }

    delete(...args: unknown[]): void {
      need(1, args.length);
      const matches = matcher(args);
      this.#pairs = this.#pairs.filter((pair) => !matches(pair));
      this.#changed();
    }

    get(...args: unknown[]): string | null {
      need(1, args.length);
      const name = text(args[0]);
      return this.#pairs.find(([each]) => each === name)?.[1] ?? null;
    }

    getAll(...args: unknown[]): string[] {
      need(1, args.length);
      const name = text(args[0]);
      return this.#pairs.filter(([each]) => each === name).map(([, value]) => value);
    }

    has(...args: unknown[]): boolean {
      need(1, args.length);
      return this.#pairs.some(matcher(args));
    }

    set(...args: unknown[]): void {
      need(2, args.length);
      const name = text(args[0]);
      const value = text(args[1]);
      const first = this.#pairs.find(([each]) => each === name);
      if (first) {
        first[1] = value;
        this.#pairs = this.#pairs.filter((pair) => pair === first || pair[0] !== name);
      } else this.#pairs.push([name, value]);
      this.#changed();
    }

    sort(): void {
      this.#pairs.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
      this.#changed();
    }

    forEach(
      callback: (value: string, name: string, params: URLSearchParams) => void,
      self?: unknown,
    ) {
      if (typeof callback !== 'function') throw new TypeError('expected a function');
      for (const [name, value] of this) callback.call(self, value, name, this);
    }

    *entries(): Generator<[string, string]> {
      for (let at = 0; at < this.#pairs.length; at++) {
        yield [...(this.#pairs[at] as [string, string])];
      }
    }

    *keys(): Generator<string> {
      for (const [name] of this.entries()) yield name;
    }

    *values(): Generator<string> {
      for (const [, value] of this.entries()) yield value;
    }

    [Symbol.iterator](): Generator<[string, string]> {
      return this.entries();
    }

    toString(): string {
      return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
    }

    get [Symbol.toStringTag](): string {
      return 'URLSearchParams';
    }
  }

  function matcher(args: readonly unknown[]): (pair: [string, string]) => boolean {
    const name = text(args[0]);
    const value = args[1] === undefined ? undefined : text(args[1]);
    return (pair) => pair[0] === name && (value === undefined || pair[1] === value);
  }

  const attach = URLSearchParams.attach;
  Reflect.deleteProperty(URLSearchParams, 'attach');
  return { URLSearchParams, attach };
}
