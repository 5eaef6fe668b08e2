import { LRUCache } from 'lru-cache';
import { capFor, type EngineParts, Instance } from './instance.js';
import { bytesOf, type MemoryImage } from './memory-image.js';
import { measureLayout } from './memory-layout.js';
import type { CallMessage, GuestProgram } from './messages.js';
import { type CallScope, Realm } from './realm.js';
import { bootRealm, type PreparedRealm, type RealmBase } from './realm-boot.js';

/** How many `reuse` realms a worker keeps, and instances for different memory limits. */
const KEPT_REALMS_MAX = 8;
const INSTANCES_MAX = 2;
/** How much a worker remembers of documents that it has prepared. */
const PREPARED_BYTES_MAX = 32 * 2 ** 20;

/**
 * Hands out a realm per call. A clean one is an image written back into a
 * shared instance, since only one call runs at a time: of the document's realm
 * when that has been prepared, else of one that has only the prelude. For
 * `reuse` it is the kept one of that name and code, in an instance of its own.
 */
export class Realms {
  /** What all realms begin from; another worker can begin from it too. */
  readonly base: RealmBase;
  readonly #parts: EngineParts;
  readonly #prepared = new LRUCache<string, PreparedRealm>({
    maxSize: PREPARED_BYTES_MAX,
    sizeCalculation: ({ image }, key) => bytesOf(image) + key.length * 2,
  });
  readonly #instances = new LRUCache<number, Instance>({ max: INSTANCES_MAX });
  readonly #kept = new LRUCache<string, Realm>({ max: KEPT_REALMS_MAX });
  /** Of the call that runs, and of what it began from. */
  #key = '';
  #image: MemoryImage;

  private constructor(wasm: WebAssembly.Module, base: RealmBase) {
    this.#parts = { wasm, layout: base.layout };
    this.base = base;
    this.#image = base.realm.image;
  }

  /**
   * `memoryBytes` is the limit that the first calls will have. Without a `base`
   * it is made here, which takes longer than all the rest.
   */
  static async open(
    wasm: WebAssembly.Module,
    memoryBytes: number,
    base?: RealmBase,
  ): Promise<Realms> {
    const realms = new Realms(wasm, base ?? (await makeBase(wasm)));
    await realms.#instanceFor(memoryBytes);
    return realms;
  }

  /** At once, when the instance that it takes is there. */
  take(call: CallMessage, scope: CallScope): Realm | Promise<Realm> {
    const { key } = call;
    this.#key = key;
    const kept = call.reuse ? this.#kept.get(key) : undefined;
    if (kept) return kept;
    const { memoryBytes } = call.limits;
    const instance = call.reuse ? undefined : this.#instances.get(capFor(memoryBytes));
    if (instance) return this.#realmIn(instance, key, scope);
    const made = call.reuse
      ? Instance.create(this.#parts, memoryBytes)
      : this.#instanceFor(memoryBytes);
    return made.then((instance) => this.#realmIn(instance, key, scope));
  }

  #realmIn(instance: Instance, key: string, scope: CallScope): Realm {
    const { image, addresses } = this.#prepared.get(key) ?? this.base.realm;
    this.#image = image;
    instance.restore(image);
    return new Realm(instance, addresses, scope);
  }

  /**
   * Cleans up after the call that took the realm. What did not end well is kept only if restoring
   * mends it, and what crashed never is: nobody knows what was written where.
   */
  giveBack(realm: Realm, call: CallMessage, end: 'well' | 'stopped' | 'crashed'): void {
    const endedWell = end === 'well';
    const { instance, prepared } = realm;
    const key = this.#key;
    if (prepared) {
      this.#prepared.set(key, prepared);
      this.#image = prepared.image;
    }
    if (call.reuse) {
      if (endedWell && !instance.isNearlyFull) this.#kept.set(key, realm);
      else this.#kept.delete(key);
    } else if (end === 'crashed' || instance.hasGrown || !(endedWell || instance.isRecoverable)) {
      this.#instances.delete(instance.memoryBytesMax);
    } else {
      this.#tidy(instance);
    }
  }

  /** The same document is the likeliest to come next, and nobody waits now. */
  #tidy(instance: Instance): void {
    try {
      instance.restore(this.#image);
    } catch {
      this.#instances.delete(instance.memoryBytesMax);
    }
  }

  async #instanceFor(memoryBytes: number): Promise<Instance> {
    const instance = await Instance.create(this.#parts, memoryBytes);
    this.#instances.set(capFor(memoryBytes), instance);
    return instance;
  }
}

async function makeBase(wasm: WebAssembly.Module): Promise<RealmBase> {
  const layout = await measureLayout(wasm);
  const instance = await Instance.create({ wasm, layout }, 0);
  return { layout, realm: bootRealm(instance) };
}

/** The limits and host functions are part of a realm, so a change of them makes another one. */
export function keyOf({ name, code, imports, entry, limits, host }: GuestProgram): string {
  const { memoryBytes, stackBytes, outputBytes } = limits;
  return JSON.stringify([name, entry, memoryBytes, stackBytes, outputBytes, host, imports, code]);
}
