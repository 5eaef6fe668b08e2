import type { NewDocument } from '#jdbx/index.js';
import type { Work } from '#jdbx/torture/contract.js';

export const DEFINITIONS: readonly NewDocument[];
export const WORKS: readonly Work[];
