import { JdbxError } from '../base/errors.js';
import type { CreateIndex, IndexFiles, OrderedIndex } from './contract.js';
import { loadBinary, type NativeBinary } from './native-binary.js';
import { NativeExchange } from './native-exchange.js';
import { NativeFiles } from './native-files.js';
import { NativeIndex } from './native-index.js';

const loaded = loadBinary();

/** Why there is no native index here; `undefined` when there is one. */
export const nativeMissing = typeof loaded === 'string' ? loaded : undefined;

const native =
  typeof loaded === 'string' ? undefined : { binary: loaded, exchange: new NativeExchange(loaded) };

/** An empty index outside V8's heap; `undefined` where no binary fits. */
export const createNativeIndex: CreateIndex | undefined = native && (() => createBoundedIndex(0));

/**
 * The same with a limit on its memory, in bytes; 0 is none.
 *
 * @throws {JdbxError} INDEX_FULL when the system gives it no memory
 */
export function createBoundedIndex(limitBytes: number): OrderedIndex {
  const { binary, exchange } = loadedOrThrow();
  const list = binary.create(limitBytes);
  if (!list) throw new JdbxError('INDEX_FULL', 'expected memory for an index, got none');
  return new NativeIndex(binary, exchange, list);
}

/** Native indexes in files; `undefined` where no binary fits. */
export const nativeFiles: IndexFiles | undefined =
  native && new NativeFiles(native.binary, native.exchange);

/** An index of another thread, for reading. */
export type SharedIndex = Pick<OrderedIndex, 'scan' | 'count' | 'stats' | 'close'>;

/**
 * The number by which other threads of this process can read an index, until it is closed
 * here and by all that attached it.
 *
 * @throws {TypeError} when the index is not a native one
 */
export function shareIndex(index: OrderedIndex): number {
  if (!(index instanceof NativeIndex)) throw new TypeError('expected a native index');
  return index.handle;
}

/**
 * Opens an index that another thread shares. A reader may name a `seq` once it
 * knows that the writer's `apply` for it has returned.
 *
 * @throws {Error} when there is none of that number, or no binary
 */
export function attachIndex(handle: number): SharedIndex {
  const { binary, exchange } = loadedOrThrow();
  const list = binary.attach(handle);
  if (!list) throw new Error(`expected the handle of a shared index, got ${handle}`);
  return new NativeIndex(binary, exchange, list);
}

function loadedOrThrow(): { readonly binary: NativeBinary; readonly exchange: NativeExchange } {
  if (!native) throw new Error(`there is no native index here: ${nativeMissing}`);
  return native;
}
