import type { ApiHooks, Use } from '../guest-apis/use.js';
import type { Intrinsics } from './intrinsics.js';

/** Gives the function that makes an API, compiled by the host just now. */
export type LoadApi = (name: string) => (use: Use, hooks: ApiHooks) => Record<string, unknown>;

/** Makes what the language lacks when it is needed, so that it costs nobody else memory. */
export function createApis(
  { defineProperty }: Intrinsics,
  loadApi: LoadApi,
  hooks: ApiHooks,
): { readonly use: Use; define(name: string, api: string): void } {
  const made = { __proto__: null } as unknown as Record<string, Record<string, unknown>>;

  function use(api: string): Record<string, unknown> {
    made[api] ??= loadApi(api)(use as Use, hooks);
    return made[api] as Record<string, unknown>;
  }
  function define(name: string, api: string): void {
    const value = use(api)[name];
    const property = { __proto__: null, value, writable: true, configurable: true };
    defineProperty(globalThis, name, property as PropertyDescriptor);
  }
  return { use: use as Use, define };
}
