import type { Target } from '../documents/contract.js';
import { readObject } from './read-text.js';

/** A document's id, or a filter when it begins with a brace. */
export function readTarget(argument: string): Target {
  return argument.trimStart().startsWith('{') ? readObject(argument, 'FILTER') : argument;
}
