import { describe, test } from 'vitest';
import { createNativeIndex, nativeMissing } from '#jdbx/indexes/native.js';
import { orderedIndexSuite } from '../suites/ordered-index.ts';

if (createNativeIndex) orderedIndexSuite('native', createNativeIndex);
else {
  describe('the ordered index contract: native', () => {
    test.skip(`not built: ${nativeMissing}`, () => {});
  });
}
