import { requireNative } from '../base/native-file.js';

/** A list as the binary hands it out; it goes when it is closed or collected. */
export type NativeList = { readonly native: unique symbol };

/** What `native/binding.c` exports; arguments and answers of most calls stand in the bound arrays. */
export interface NativeBinary {
  bind(
    header: Float64Array,
    input: Uint8Array,
    output: Uint8Array,
    lengths: Uint32Array,
    refs: Uint32Array,
    span: Uint8Array,
  ): void;
  create(limitBytes: number): NativeList | null;
  attach(handle: number): NativeList | null;
  handle(list: NativeList): number;
  close(list: NativeList): void;
  apply(list: NativeList, count: number): number;
  revert(list: NativeList, count: number): number;
  release(list: NativeList): number;
  read(list: NativeList, refs: Uint32Array): number;
  first(list: NativeList): number;
  count(list: NativeList): number;
  stats(list: NativeList): number;
  purge(list: NativeList, bits: Uint8Array): number;
  /** Bytes, or minus the system's error number; null when the label or the path is too long. */
  save(list: NativeList, path: string, label: string): Promise<number> | null;
  /** A list, null without memory, or a status of `native/image.h`. */
  open(path: string): NativeList | null | number;
  readLabel(path: string): string | number;
}

/** The binary, or the reason why there is none. `JDBX_NATIVE=0` leaves it alone. */
export function loadBinary(): NativeBinary | string {
  return requireNative() as NativeBinary | string;
}
