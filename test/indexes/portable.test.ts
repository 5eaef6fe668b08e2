import { createPortableIndex } from '#jdbx/indexes/portable.js';
import { orderedIndexSuite } from '../suites/ordered-index.ts';

orderedIndexSuite('portable', createPortableIndex);
