import { compileShim } from '#jdbx/torture/disk-record.js';

/** The library that fails and records a process's calls; or why there can be none here. */
export function shimIn(directory) {
  try {
    return { library: compileShim(directory) };
  } catch (error) {
    if (error instanceof TypeError) return { skipped: error.message };
    throw error;
  }
}
