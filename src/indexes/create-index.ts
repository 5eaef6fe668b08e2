import type { CreateIndex } from './contract.js';
import { createNativeIndex, nativeMissing } from './native.js';
import { createPortableIndex } from './portable.js';

/** Which of the twins `createIndex` makes. */
export const indexEngine: 'native' | 'portable' = createNativeIndex ? 'native' : 'portable';

/**
 * An empty index: native where its binary loads, else portable. The environment
 * variable `JDBX_NATIVE` forces the portable one with `0`; with `1` it asks for a
 * warning when the native one is missing.
 */
export const createIndex: CreateIndex = createNativeIndex ?? createPortableIndex;

if (process.env.JDBX_NATIVE === '1' && nativeMissing !== undefined) {
  process.emitWarning(`the portable index is used: ${nativeMissing}`, { code: 'JDBX_PORTABLE' });
}
