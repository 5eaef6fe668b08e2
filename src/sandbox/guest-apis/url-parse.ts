import type { UrlRecord } from './url-record.js';
import type { GuestApi, Use } from './use.js';

/** The basic URL parser (https://url.spec.whatwg.org/#concept-basic-url-parser). */
export function urlParseApi(use: Use): GuestApi['urlParse'] {
  const { parseHost, percentEncode } = use('urlHost');
  const PORTS: Record<string, string> = {
    ftp: '21',
    file: '',
    http: '80',
    https: '443',
    ws: '80',
    wss: '443',
  };
  const FRAGMENT = /[ "<>`]/;
  const QUERY = /[ "#<>]/;
  const SPECIAL_QUERY = /[ "#<>']/;
  const PATH = /[ "#<>?^`{}]/;
  const USERINFO = /[ "#<>?`{}/:;=@[\\\]^|]/;
  const NOTHING = /[^\s\S]/;

  const isSpecial = ({ scheme }: UrlRecord) => Object.hasOwn(PORTS, scheme);
  const isDriveLetter = (text: string | undefined) => /^[a-z][:|]$/i.test(text ?? '');
  const startsWithDrive = (text: string) => /^[a-z][:|](?:[/\\?#]|$)/i.test(text);

  function emptyRecord(): UrlRecord {
    return {
      scheme: '',
      username: '',
      password: '',
      host: null,
      port: '',
      path: [],
      query: null,
      fragment: null,
    };
  }

  function parse(input: string, base: UrlRecord | undefined): UrlRecord | undefined {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken off
    const text = input.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, '').replace(/[\t\n\r]/g, '');
    const url = emptyRecord();
    const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):([\s\S]*)$/i.exec(text) ?? [];
    if (scheme === undefined) return base && parseRelative(text, url, base);
    url.scheme = scheme.toLowerCase();
    return parseAfterScheme(rest as string, url, base);
  }

  function parseAfterScheme(rest: string, url: UrlRecord, base: UrlRecord | undefined) {
    if (url.scheme === 'file')
      return parseFile(rest, url, base?.scheme === 'file' ? base : undefined);
    if (isSpecial(url)) {
      const isRelative = base?.scheme === url.scheme && !/^[/\\]{2}/.test(rest);
      // `http:path` beside a base of the same scheme is relative, by the letter of the standard.
      if (isRelative && !rest.startsWith('//')) return parseRelative(rest, url, base);
      return parseAuthority(rest.replace(/^[/\\]*/, ''), url);
    }
    if (rest.startsWith('//')) return parseAuthority(rest.slice(2), url);
    if (rest.startsWith('/')) return parsePath(rest, url, []);
    return parseOpaque(rest, url);
  }

  function parseOpaque(rest: string, url: UrlRecord): UrlRecord {
    const { before, after } = cut(rest, url);
    const isFollowed = after !== '';
    // A space before what follows would be lost when that is taken away.
    const path = isFollowed ? before.replace(/ $/, '%20') : before;
    url.path = percentEncode(path, NOTHING);
    return parseAfterPath(after, url);
  }

  /** Splits off the query and fragment. */
  function cut(text: string, _url: UrlRecord): { before: string; after: string } {
    const at = text.search(/[?#]/);
    return at < 0
      ? { before: text, after: '' }
      : { before: text.slice(0, at), after: text.slice(at) };
  }

  function parseAfterPath(after: string, url: UrlRecord): UrlRecord {
    const at = after.indexOf('#');
    const query = at < 0 ? after : after.slice(0, at);
    if (query.startsWith('?')) url.query = encodeQuery(query.slice(1), url);
    if (at >= 0) url.fragment = percentEncode(after.slice(at + 1), FRAGMENT);
    return url;
  }

  function encodeQuery(text: string, url: UrlRecord): string {
    return percentEncode(text, isSpecial(url) ? SPECIAL_QUERY : QUERY);
  }

  function parseRelative(text: string, url: UrlRecord, base: UrlRecord): UrlRecord | undefined {
    if (typeof base.path === 'string') {
      if (!text.startsWith('#')) return undefined;
      Object.assign(url, base);
      url.fragment = percentEncode(text.slice(1), FRAGMENT);
      return url;
    }
    if (base.scheme === 'file') {
      url.scheme = 'file';
      return parseFile(text, url, base);
    }
    url.scheme = base.scheme;
    const slash = isSpecial(url) ? /^[/\\]/ : /^\//;
    const twoSlashes = isSpecial(url) ? /^[/\\]{2}/ : /^\/\//;
    if (twoSlashes.test(text)) {
      return parseAuthority(text.replace(isSpecial(url) ? /^[/\\]*/ : /^\/\//, ''), url);
    }
    const { username, password, host, port } = base;
    Object.assign(url, { username, password, host, port });
    if (slash.test(text)) return parsePath(text, url, []);
    return parseBeside(text, url, base);
  }

  /** A path that begins in the base's folder; nothing before `?` or `#` is the base's own path. */
  function parseBeside(text: string, url: UrlRecord, base: UrlRecord): UrlRecord {
    const path = base.path as string[];
    if (text === '' || text.startsWith('#')) {
      url.path = [...path];
      url.query = base.query;
      return parseAfterPath(text, url);
    }
    if (text.startsWith('?')) {
      url.path = [...path];
      return parseAfterPath(text, url);
    }
    const folder = [...path];
    shorten(folder, url);
    return parsePath(`/${text}`, url, folder);
  }

  function parseAuthority(text: string, url: UrlRecord): UrlRecord | undefined {
    const end = text.search(isSpecial(url) ? /[/\\?#]/ : /[/?#]/);
    const authority = end < 0 ? text : text.slice(0, end);
    const rest = end < 0 ? '' : text.slice(end);
    const at = authority.lastIndexOf('@');
    if (at >= 0) parseCredentials(authority.slice(0, at), url);
    const hostAndPort = authority.slice(at + 1);
    if (at >= 0 && hostAndPort === '') return undefined;
    if (!parseHostAndPort(hostAndPort, url)) return undefined;
    return rest === '' || /^[?#]/.test(rest)
      ? parseAfterPath(rest, Object.assign(url, { path: isSpecial(url) ? [''] : [] }))
      : parsePath(rest, url, []);
  }

  function parseCredentials(text: string, url: UrlRecord): void {
    const colon = text.indexOf(':');
    url.username = percentEncode(colon < 0 ? text : text.slice(0, colon), USERINFO);
    url.password = colon < 0 ? '' : percentEncode(text.slice(colon + 1), USERINFO);
  }

  function parseHostAndPort(text: string, url: UrlRecord): boolean {
    const [, hostText = '', port] = /^((?:\[[^\]]*\]?|[^:[])*)(?::([\s\S]*))?$/.exec(text) ?? [
      text,
      text,
    ];
    if (hostText === '' && (isSpecial(url) || port !== undefined)) return false;
    const host = hostText === '' ? '' : parseHost(hostText, !isSpecial(url));
    if (host === undefined) return false;
    url.host = host;
    return port === undefined || setPort(port, url);
  }

  function setPort(text: string, url: UrlRecord): boolean {
    if (!/^[0-9]*$/.test(text)) return false;
    const number = Number(text);
    if (number > 65535) return false;
    url.port = text === '' || PORTS[url.scheme] === String(number) ? '' : String(number);
    return true;
  }

  function parseFile(
    text: string,
    url: UrlRecord,
    base: UrlRecord | undefined,
  ): UrlRecord | undefined {
    url.host = '';
    if (/^[/\\]{2}/.test(text)) return parseFileHost(text.slice(2), url);
    if (/^[/\\]/.test(text)) {
      const drive = base && (base.path as string[])[0];
      if (base) url.host = base.host;
      const keepsDrive = !startsWithDrive(text.slice(1)) && /^[a-z]:$/i.test(drive ?? '');
      return parsePath(text, url, keepsDrive ? [drive as string] : []);
    }
    if (!base) return parsePath(`/${text}`, url, []);
    url.host = base.host;
    if (startsWithDrive(text)) return parsePath(`/${text}`, url, []);
    return parseBeside(text, url, base);
  }

  function parseFileHost(text: string, url: UrlRecord): UrlRecord | undefined {
    const end = text.search(/[/\\?#]/);
    const hostText = end < 0 ? text : text.slice(0, end);
    const rest = end < 0 ? '' : text.slice(end);
    if (isDriveLetter(hostText)) return parsePath(`/${text}`, url, []);
    if (hostText !== '') {
      const host = parseHost(hostText, false);
      if (host === undefined) return undefined;
      url.host = host === 'localhost' ? '' : host;
    }
    return parsePath(/^[/\\]/.test(rest) ? rest : `/${rest}`, url, []);
  }

  /** `text` begins with a slash; `path` is what goes before it. */
  function parsePath(text: string, url: UrlRecord, path: string[]): UrlRecord {
    const { before, after } = cut(text, url);
    const segments = before.slice(1).split(isSpecial(url) ? /[/\\]/ : '/');
    for (const [index, segment] of segments.entries()) {
      const isLast = index === segments.length - 1;
      const dots = segment.replace(/%2e/gi, '.');
      if (dots === '..') {
        shorten(path, url);
        if (isLast) path.push('');
      } else if (dots === '.') {
        if (isLast) path.push('');
      } else {
        const isDrive = url.scheme === 'file' && path.length === 0 && isDriveLetter(segment);
        path.push(isDrive ? `${segment[0]}:` : percentEncode(segment, PATH));
      }
    }
    url.path = path;
    return parseAfterPath(after, url);
  }

  function shorten(path: string[], url: UrlRecord): void {
    const isDrive =
      url.scheme === 'file' && path.length === 1 && /^[a-z]:$/i.test(path[0] as string);
    if (!isDrive) path.pop();
  }

  function serialize(url: UrlRecord, withFragment = true): string {
    const { scheme, username, password, host, port, query, fragment } = url;
    let text = `${scheme}:`;
    if (host !== null) {
      const secret = password === '' ? '' : `:${password}`;
      const user = username === '' && secret === '' ? '' : `${username + secret}@`;
      text += `//${user}${host}${port === '' ? '' : `:${port}`}`;
    } else if (typeof url.path !== 'string' && url.path.length > 1 && url.path[0] === '') {
      text += '/.';
    }
    text += serializePath(url) + (query === null ? '' : `?${query}`);
    return withFragment && fragment !== null ? `${text}#${fragment}` : text;
  }

  function serializePath({ path }: UrlRecord): string {
    return typeof path === 'string' ? path : path.map((segment) => `/${segment}`).join('');
  }

  return {
    parse,
    serialize,
    serializePath,
    isSpecial,
    setPort,
    parsePath,
    encodeQuery,
    encodeFragment: (text: string) => percentEncode(text, FRAGMENT),
    encodeUser: (text: string) => percentEncode(text, USERINFO),
  };
}
