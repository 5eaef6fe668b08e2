import type { UrlRecord } from './url-record.js';
import type { GuestApi, Use } from './use.js';

/** `URL` (https://url.spec.whatwg.org/#url-class). */
export function urlApi(use: Use): GuestApi['url'] {
  const { parse, serialize, serializePath, isSpecial, ...rules } = use('urlParse');
  const { parseHost } = use('urlHost');
  const { attach } = use('urlSearchParams');

  function parsed(url: unknown, base: unknown): UrlRecord | undefined {
    const record = base === undefined ? undefined : parse(String(base).toWellFormed(), undefined);
    if (base !== undefined && !record) return undefined;
    return parse(String(url).toWellFormed(), record);
  }

  /** What setters take: control characters of lines are not there. */
  function cleaned(value: unknown): string {
    return String(value)
      .toWellFormed()
      .replace(/[\t\n\r]/g, '');
  }

  class URL {
    #url: UrlRecord;
    readonly #params: ReturnType<typeof attach>;

    constructor(...args: unknown[]) {
      if (args.length === 0) throw new TypeError('expected a URL');
      const found = parsed(args[0], args[1]);
      if (!found) throw new TypeError('Invalid URL');
      this.#url = found;
      this.#params = attach(found.query ?? '', (text) => {
        this.#url.query = text === '' ? null : text;
      });
    }

    static canParse(url: unknown, base?: unknown): boolean {
      return parsed(url, base) !== undefined;
    }

    static parse(url: unknown, base?: unknown): URL | null {
      return URL.canParse(url, base) ? new URL(url, base) : null;
    }

    get href(): string {
      return serialize(this.#url);
    }

    set href(value: unknown) {
      const found = parsed(value, undefined);
      if (!found) throw new TypeError('Invalid URL');
      this.#url = found;
      this.#params.set(found.query ?? '');
    }

    get origin(): string {
      const { scheme, host, port } = this.#url;
      if (scheme === 'blob') return originOfBlob(serializePath(this.#url));
      if (!isSpecial(this.#url) || scheme === 'file') return 'null';
      return `${scheme}://${host}${port === '' ? '' : `:${port}`}`;
    }

    get protocol(): string {
      return `${this.#url.scheme}:`;
    }

    set protocol(value: unknown) {
      const [, scheme] = /^([a-z][a-z0-9+.-]*)(?::|$)/i.exec(cleaned(value)) ?? [];
      if (scheme === undefined) return;
      const url = this.#url;
      const next = { ...url, scheme: scheme.toLowerCase() };
      if (isSpecial(url) !== isSpecial(next)) return;
      const hasUser = url.username !== '' || url.password !== '' || url.port !== '';
      if (next.scheme === 'file' && hasUser) return;
      if (url.scheme === 'file' && url.host === '') return;
      url.scheme = next.scheme;
      rules.setPort(url.port, url);
    }

    get username(): string {
      return this.#url.username;
    }

    set username(value: unknown) {
      if (mayHaveUser(this.#url)) {
        this.#url.username = rules.encodeUser(String(value).toWellFormed());
      }
    }

    get password(): string {
      return this.#url.password;
    }

    set password(value: unknown) {
      if (mayHaveUser(this.#url)) {
        this.#url.password = rules.encodeUser(String(value).toWellFormed());
      }
    }

    get host(): string {
      const { host, port } = this.#url;
      return (host ?? '') + (port === '' ? '' : `:${port}`);
    }

    set host(value: unknown) {
      this.#setHost(cleaned(value), true);
    }

    get hostname(): string {
      return this.#url.host ?? '';
    }

    set hostname(value: unknown) {
      this.#setHost(cleaned(value), false);
    }

    #setHost(value: string, withPort: boolean): void {
      const url = this.#url;
      if (typeof url.path === 'string') return;
      const end = value.search(isSpecial(url) ? /[/\\?#]/ : /[/?#]/);
      const text = end < 0 ? value : value.slice(0, end);
      const [, name = '', port] = /^((?:\[[^\]]*\]?|[^:[])*)(?::([\s\S]*))?$/.exec(text) ?? [
        text,
        text,
      ];
      if (port !== undefined && (!withPort || name === '')) return;
      if (url.scheme === 'file' && port !== undefined) return;
      if (name === '' && (isSpecial(url) ? url.scheme !== 'file' : mustHaveHost(url))) return;
      const host = name === '' ? '' : parseHost(name, !isSpecial(url));
      if (host === undefined) return;
      url.host = url.scheme === 'file' && host === 'localhost' ? '' : host;
      const digits = /^[0-9]+/.exec(port ?? '')?.[0];
      if (digits !== undefined) rules.setPort(digits, url);
    }

    get port(): string {
      return this.#url.port;
    }

    set port(value: unknown) {
      if (!mayHaveUser(this.#url)) return;
      const text = cleaned(value);
      const digits = /^[0-9]+/.exec(text)?.[0];
      if (text === '') this.#url.port = '';
      else if (digits !== undefined) rules.setPort(digits, this.#url);
    }

    get pathname(): string {
      return serializePath(this.#url);
    }

    set pathname(value: unknown) {
      const url = this.#url;
      if (typeof url.path === 'string') return;
      const text = cleaned(value);
      const isRooted = isSpecial(url) ? /^[/\\]/.test(text) : text.startsWith('/');
      const { query, fragment } = url;
      const escaped = text.replaceAll('?', '%3F').replaceAll('#', '%23');
      if (text === '' && !isSpecial(url)) url.path = url.host === null ? [''] : [];
      else rules.parsePath(isRooted ? escaped : `/${escaped}`, url, []);
      Object.assign(url, { query, fragment });
    }

    get search(): string {
      const { query } = this.#url;
      return query === null || query === '' ? '' : `?${query}`;
    }

    set search(value: unknown) {
      const text = cleaned(value).replace(/^\?/, '');
      this.#url.query = cleaned(value) === '' ? null : rules.encodeQuery(text, this.#url);
      this.#params.set(text);
    }

    get searchParams(): unknown {
      return this.#params.params;
    }

    get hash(): string {
      const { fragment } = this.#url;
      return fragment === null || fragment === '' ? '' : `#${fragment}`;
    }

    set hash(value: unknown) {
      const text = cleaned(value);
      this.#url.fragment = text === '' ? null : rules.encodeFragment(text.replace(/^#/, ''));
    }

    toString(): string {
      return this.href;
    }

    toJSON(): string {
      return this.href;
    }

    get [Symbol.toStringTag](): string {
      return 'URL';
    }
  }

  function mayHaveUser({ host, scheme }: UrlRecord): boolean {
    return host !== null && host !== '' && scheme !== 'file';
  }

  function mustHaveHost({ username, password, port }: UrlRecord): boolean {
    return username !== '' || password !== '' || port !== '';
  }

  function originOfBlob(path: string): string {
    const inner = parse(path, undefined);
    const isWeb = inner?.scheme === 'http' || inner?.scheme === 'https';
    return isWeb ? new URL(path).origin : 'null';
  }
  return { URL };
}
