import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { VERBS, type Verb } from '../../sandbox/permissions.js';

/** What a tool document may name as its work; a transformer or a pipeline is a tool itself. */
const TARGETS = ['transformer', 'pipeline', 'builtin'] as const;

/** What a tool document's work is: just one of the fields that name it. @throws {JdbxError} INVALID_DOCUMENT */
export function targetOf(tool: Document): readonly [(typeof TARGETS)[number], string] {
  const named = TARGETS.filter((field) => tool[field] !== undefined);
  const [field] = named;
  const name = field && tool[field];
  const known = field !== 'builtin' || VERBS.includes(name as Verb);
  if (field === 'pipeline' && tool.permissions !== undefined) refuseRights(tool);
  if (field && named.length === 1 && typeof name === 'string' && known) return [field, name];
  const text = `expected one of ${TARGETS.join(', ')}; a builtin is one of ${VERBS.join(', ')}`;
  throw new JdbxError('INVALID_DOCUMENT', text, { path: field, details: { id: tool._id } });
}

/** Nobody should believe that they hold. */
function refuseRights(tool: Document): never {
  const text = 'expected none beside a pipeline, whose transformers have their own';
  throw new JdbxError('INVALID_DOCUMENT', text, {
    path: 'permissions',
    details: { id: tool._id },
  });
}
