import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { capFor, Instance } from './instance.js';
import type { CallMessage } from './messages.js';
import { type CallScope, Realm } from './realm.js';

/** How many `reuse` realms a worker keeps, and instances for different memory limits. */
const KEPT_REALMS_MAX = 8;
const INSTANCES_MAX = 2;

/**
 * Hands out a realm per call: a fresh one in a shared instance, since only one
 * call runs at a time; or for `reuse`, the kept one of that name and code, in
 * an instance of its own.
 */
export class Realms {
  readonly #wasm: WebAssembly.Module;
  readonly #instances = new LRUCache<number, Instance>({ max: INSTANCES_MAX });
  readonly #kept = new LRUCache<string, Realm>({ max: KEPT_REALMS_MAX });

  constructor(wasm: WebAssembly.Module) {
    this.#wasm = wasm;
  }

  /** Makes the instance for a limit ahead of its first call. */
  async warm(memoryBytes: number): Promise<void> {
    await this.#instanceFor(memoryBytes);
  }

  async take(call: CallMessage, scope: CallScope): Promise<Realm> {
    if (!call.reuse) {
      return new Realm(await this.#instanceFor(call.limits.memoryBytes), call, scope);
    }
    const kept = this.#kept.get(keyOf(call));
    if (kept) return kept;
    return new Realm(await Instance.create(this.#wasm, call.limits.memoryBytes), call, scope);
  }

  /** Cleans up after a call. A realm that did not end well is never used again. */
  giveBack(realm: Realm, call: CallMessage, endedWell: boolean): void {
    const { instance } = realm;
    const key = keyOf(call);
    if (call.reuse) {
      if (endedWell && !instance.isNearlyFull) this.#kept.set(key, realm);
      else this.#kept.delete(key);
    } else if (!endedWell || instance.hasGrown || !tryDispose(realm)) {
      this.#instances.delete(instance.memoryBytesMax);
    }
  }

  async #instanceFor(memoryBytes: number): Promise<Instance> {
    const cap = capFor(memoryBytes);
    const instance = this.#instances.get(cap) ?? (await Instance.create(this.#wasm, memoryBytes));
    this.#instances.set(cap, instance);
    return instance;
  }
}

/** The limits and host functions are part of a realm, so a change of them makes another one. */
function keyOf({ name, code, entry, limits, host }: CallMessage): string {
  const identity = JSON.stringify([name, code, entry, limits, host]);
  return createHash('sha256').update(identity).digest('base64');
}

/** Freeing aborts on anything leaked; then the instance is of no more use. */
function tryDispose(realm: Realm): boolean {
  try {
    realm.dispose();
    return true;
  } catch {
    return false;
  }
}
