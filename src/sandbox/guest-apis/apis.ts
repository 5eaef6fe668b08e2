import { compactSource } from '../guest/compact-source.js';
import { base64Api } from './base64.js';
import { consoleTableApi } from './console-table.js';
import { cryptoApi } from './crypto.js';
import { domExceptionApi } from './dom-exception.js';
import { queueMicrotaskApi } from './queue-microtask.js';
import { structuredCloneApi } from './structured-clone.js';
import { textCodingApi } from './text-coding.js';
import { urlApi } from './url.js';
import { urlHostApi } from './url-host.js';
import { urlParseApi } from './url-parse.js';
import { urlSearchParamsApi } from './url-search-params.js';
import type { ApiHooks, GuestApi, Use } from './use.js';

const APIS: { readonly [N in keyof GuestApi]: (use: Use, hooks: ApiHooks) => GuestApi[N] } = {
  base64: base64Api,
  consoleTable: consoleTableApi,
  crypto: cryptoApi,
  domException: domExceptionApi,
  queueMicrotask: queueMicrotaskApi,
  structuredClone: structuredCloneApi,
  textCoding: textCodingApi,
  url: urlApi,
  urlHost: urlHostApi,
  urlParse: urlParseApi,
  urlSearchParams: urlSearchParamsApi,
};

/** Globals by name, and the API that makes each. */
export const API_GLOBALS: { readonly [name: string]: keyof GuestApi } = {
  atob: 'base64',
  btoa: 'base64',
  crypto: 'crypto',
  DOMException: 'domException',
  queueMicrotask: 'queueMicrotask',
  structuredClone: 'structuredClone',
  TextDecoder: 'textCoding',
  TextEncoder: 'textCoding',
  URL: 'url',
  URLSearchParams: 'urlSearchParams',
};

/** An expression whose value is the function that makes an API; undefined when there is none. */
export function apiText(name: string): string | undefined {
  if (!Object.hasOwn(APIS, name)) return undefined;
  return `'use strict'; (${compactSource(APIS[name as keyof GuestApi])})`;
}

const NAMES = new RegExp(`\\b(?:${Object.keys(API_GLOBALS).join('|')})\\b`, 'g');

/**
 * The globals of these that a program's code names, in a comment too: they are made before
 * it runs and lie in its image. What no code names is not there.
 */
export function globalsNamedIn(codes: readonly string[]): { name: string; api: string }[] {
  const names = new Set(codes.flatMap((code) => code.match(NAMES) ?? []));
  return [...names].sort().map((name) => ({ name, api: API_GLOBALS[name] as string }));
}
