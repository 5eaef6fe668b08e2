import { getSystemErrorName } from 'node:util';
import type { DocumentRef, EntryRun, IndexFiles, OrderedIndex } from './contract.js';
import type { NativeBinary } from './native-binary.js';
import type { NativeExchange } from './native-exchange.js';
import { NativeIndex } from './native-index.js';

/** `IMAGE_DAMAGED` of `native/image.h`. */
const DAMAGED = 4;

/** Native indexes in files, drawn in `native/image.h`. */
export class NativeFiles implements IndexFiles {
  readonly #binary: NativeBinary;
  readonly #exchange: NativeExchange;

  constructor(binary: NativeBinary, exchange: NativeExchange) {
    this.#binary = binary;
    this.#exchange = exchange;
  }

  async save(index: OrderedIndex, path: string, seq: number, label: string): Promise<number> {
    const bytes = await toNative(index).save(path, seq, label);
    if (bytes === null) throw new RangeError(`expected a shorter label or path to save ${path}`);
    if (bytes >= 0) return bytes;
    const code = getSystemErrorName(bytes);
    throw Object.assign(new Error(`cannot save ${path}: ${code}`), { code });
  }

  readLabel(path: string): string | undefined {
    const label = this.#binary.readLabel(path);
    return typeof label === 'string' ? label : undefined;
  }

  open(path: string): OrderedIndex | 'damaged' | undefined {
    const list = this.#binary.open(path);
    if (list === DAMAGED) return 'damaged';
    if (list === null || typeof list === 'number') return undefined;
    return new NativeIndex(this.#binary, this.#exchange, list);
  }

  purge(index: OrderedIndex, refs: readonly DocumentRef[]): void {
    toNative(index).purge(refs);
  }

  runs(index: OrderedIndex, seq: number): Iterable<EntryRun> {
    return toNative(index).runs(seq);
  }
}

function toNative(index: OrderedIndex): NativeIndex {
  if (index instanceof NativeIndex) return index;
  throw new TypeError('expected a native index');
}
