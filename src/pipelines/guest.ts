import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../base/values.js';
import type { Workspace } from '../documents/workspace.js';
import type { GuestCode } from '../sandbox/contract.js';
import type { GuestEntry } from '../sandbox/entry.js';
import { resolveLimits } from '../sandbox/limits.js';
import { Permissions, permitHostFunctions } from '../sandbox/permissions.js';
import type { SessionUsage } from '../sessions/sessions.js';
import type { StageWork } from './contract.js';
import { guestDatabase } from './guest-database.js';
import { guestModels } from './guest-models.js';

/** The code to run, and how its parameters are filled. */
export interface GuestDocument {
  readonly document: Document;
  /** The field that holds the code: `code`, `generator` or `strategy`. */
  readonly field: string;
  readonly input: Value;
  /** Finds a parameter's value by its name. */
  readonly lookup: (name: string) => Value | undefined;
}

export interface GuestOutcome {
  readonly value: Value;
  /** What the guest read and wrote; the caller commits it with the stage, and closes it. */
  readonly workspace: Workspace;
  readonly usage: SessionUsage;
  readonly facts: ValueObject;
}

/** Calls the function in a document's code with the rights that the document lists. */
export async function callGuest(work: StageWork, guest: GuestDocument): Promise<GuestOutcome> {
  const { run, path, signal } = work;
  const { document } = guest;
  const permissions = Permissions.parse(document.permissions);
  const workspace = run.workspace();
  const models = guestModels(work);
  const refused = (permission: string) => work.note(refusal(work, document, permission));
  const database = guestDatabase({ workspace, permissions, typesOf: run.typesOf, refused });
  try {
    const code = codeOf(guest);
    const { parameters } = run.sandbox.entryOf(code);
    const result = await run.sandbox.call({
      ...code,
      args: argumentsOf(guest, parameters),
      host: permitHostFunctions(permissions, { ...database, ...models.functions }, refused),
      limits: resolveLimits(document.limits),
      now: run.now(),
      seed: `${run.id}/${path}`,
      reuse: document.reuse === true,
      signal,
    });
    const lines = result.console.map(({ level, text }) => ({ level, text }));
    const facts = { host_calls: result.hostCalls, ...(lines.length > 0 ? { console: lines } : {}) };
    return { value: result.value, workspace, usage: models.usage(), facts };
  } catch (error) {
    workspace.close();
    throw error;
  }
}

function codeOf({ document, field }: GuestDocument): GuestCode {
  const code = document[field];
  const entry = document.entry as string | undefined;
  if (typeof code === 'string') return { name: document._id, code, entry };
  throw new JdbxError('INVALID_DOCUMENT', `expected code in ${document._id}`, { path: field });
}

/**
 * A transformer's only parameter is the stage's input. Several parameters, and those of
 * a generator or a strategy, are found by their names: in the input, then by `lookup`.
 */
function argumentsOf(guest: GuestDocument, parameters: GuestEntry['parameters']): Value[] {
  const { document, field, input } = guest;
  if (parameters.length === 0) return [input];
  if (parameters.length === 1) {
    const found = field === 'code' ? undefined : argumentNamed(parameters[0], guest);
    return [found ?? input];
  }
  return parameters.map((name, index) => {
    const value = argumentNamed(name, guest);
    if (value !== undefined) return value;
    const missing = name ?? `parameter ${index + 1}`;
    throw new JdbxError('MISSING_INPUT', `expected ${missing}, which ${document._id} takes`, {
      path: missing,
    });
  });
}

function argumentNamed(
  name: string | undefined,
  { input, lookup }: GuestDocument,
): Value | undefined {
  if (name === undefined) return undefined;
  if (isPlainObject(input) && Object.hasOwn(input, name)) return input[name] as Value;
  return lookup(name);
}

function refusal(work: StageWork, document: Document, permission: string) {
  return {
    kind: 'refusal',
    run: work.run.id,
    path: work.path,
    document: document._id,
    document_rev: document._rev,
    permission,
  };
}
