import type { CreateIndex, IndexKind } from './contract.js';
import { createNativeIndex, nativeFiles, nativeMissing } from './native.js';
import { createPortableIndex } from './portable.js';

/** The twin that serves here: native where its binary loads, else portable, and why. */
export const indexKind: IndexKind = createNativeIndex
  ? { name: 'native', create: createNativeIndex, files: nativeFiles }
  : { name: 'portable', create: createPortableIndex, reason: nativeMissing };

export const indexEngine = indexKind.name;

/** An empty index of that kind. */
export const createIndex: CreateIndex = indexKind.create;

// Once in each thread that loads this. `JDBX_NATIVE=0` asks for it, and needs no word.
if (indexKind.reason !== undefined && process.env.JDBX_NATIVE !== '0') {
  process.emitWarning(`the portable index is used: ${indexKind.reason}`, { code: 'JDBX_PORTABLE' });
}
