import type { Document } from '../../base/document.js';
import { isPlainObject, type Value } from '../../base/values.js';
import type { Permissions, Verb } from '../../sandbox/permissions.js';
import type { StageOutcome, StageWork } from '../contract.js';
import { callGuest, hostFunctions, permissionsOf } from '../guests/call-guest.js';
import { PROGRAM_TYPE } from '../guests/code-fields.js';
import { OpenCalls } from '../guests/open-calls.js';
import { checkValue } from '../value-schema.js';
import { targetOf } from './tool-document.js';

/** The arguments of the built-in tools, in the order in which the verbs take them. */
const BUILTIN_PARAMETERS: Readonly<Record<Verb, readonly string[]>> = {
  'db.get': ['id'],
  'db.getMany': ['ids'],
  'db.query': ['filter', 'options'],
  'db.aggregate': ['stages'],
  'db.insert': ['document'],
  'db.put': ['document'],
  'db.update': ['target', 'update', 'options'],
  'db.remove': ['target', 'options'],
  'db.history': ['id'],
  'llm.call': ['integration', 'request'],
};

/**
 * Calls a tool by its id: a `tool` document, which names a transformer, a pipeline or a
 * built-in verb, or one of the former by itself. Its `parameters` are a JSON Schema of the arguments.
 * Its `permissions` are those of a built-in verb; a transformer that it names has at most what
 * both list.
 *
 * @throws {JdbxError} TOOL_ARGUMENTS, INVALID_DOCUMENT, MISSING_DOCUMENT, and what the tool throws
 */
export async function callTool(work: StageWork, id: string, given: Value): Promise<StageOutcome> {
  const { definitions, typesOf } = work.run;
  const tool = definitions.get(id);
  if (tool.parameters !== undefined) {
    checkValue(given, tool.parameters, 'TOOL_ARGUMENTS', `arguments that ${id} takes`);
  }
  if (typesOf('transformer').includes(tool._type)) return callTransformer(work, tool, given);
  const isRun = typesOf('pipeline').includes(tool._type) || tool._type === PROGRAM_TYPE;
  if (isRun) return callPipeline(work, id, given);
  const [field, name] = targetOf(tool);
  if (field === 'transformer') {
    const within = tool.permissions === undefined ? undefined : permissionsOf(tool);
    return callTransformer(work, definitions.get(name), given, within);
  }
  if (field === 'pipeline') return callPipeline(work, name, given);
  return callBuiltin(work, tool, name, given);
}

async function callTransformer(
  work: StageWork,
  document: Document,
  input: Value,
  within?: Permissions,
): Promise<StageOutcome> {
  const { value, facts } = await callGuest(work, { document, field: 'code', input, within });
  return { output: value, facts: { transformer: document._id, ...facts } };
}

async function callPipeline(work: StageWork, id: string, input: Value): Promise<StageOutcome> {
  const { output, run } = await work.run.child(id, input, work.path, work.signal);
  return { output, facts: { child_run: run } };
}

/** A verb with the rights that the tool document lists, as if its code had called it. */
async function callBuiltin(
  work: StageWork,
  tool: Document,
  name: string,
  given: Value,
): Promise<StageOutcome> {
  const parameters = BUILTIN_PARAMETERS[name as Verb];
  const named = isPlainObject(given) ? (given as Record<string, Value>) : {};
  const args = parameters.map((parameter) => named[parameter]);
  while (args.length > 0 && args.at(-1) === undefined) args.pop();
  const calls = new OpenCalls(work.signal);
  const verb = hostFunctions(work, tool, permissionsOf(tool), calls)[name] as (
    ...args: unknown[]
  ) => unknown;
  try {
    return { output: ((await verb(...args)) ?? null) as Value, facts: { builtin: name } };
  } finally {
    await calls.end();
  }
}
