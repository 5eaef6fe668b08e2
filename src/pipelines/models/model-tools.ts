import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { stringifyValue } from '../../base/extended-json.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { ModelTool, ToolCall, ToolMessage } from '../../llm/contract.js';
import type { StageWork } from '../contract.js';

const ANY_ARGUMENTS: ValueObject = { type: 'object', properties: {} };

/**
 * The tools that a stage lets its model call, by the names that the model uses: a tool
 * document's `name`, else its id without what stands before the colon.
 *
 * @throws {JdbxError} INVALID_DOCUMENT when two go by one name, or one by a name that no provider takes
 */
export function toolsFor({ stage, run }: StageWork): ReadonlyMap<string, NamedTool> {
  const tools = new Map<string, NamedTool>();
  for (const id of stage.tools ?? []) {
    const document = run.definitions.get(id);
    const name = nameOf(document);
    if (tools.has(name))
      refuse(id, `expected another name than ${name}, which ${tools.get(name)?.id} has`);
    tools.set(name, { id, tool: describe(name, document) });
  }
  return tools;
}

export interface NamedTool {
  /** The document's. */
  readonly id: string;
  readonly tool: ModelTool;
}

function nameOf({ _id, name }: Document): string {
  const own = typeof name === 'string' ? name : _id.slice(_id.indexOf(':') + 1);
  const known = own.replace(/[^A-Za-z0-9_-]/g, '_');
  if (/^[A-Za-z0-9_-]{1,64}$/.test(known)) return known;
  return refuse(_id, 'expected a name of 1 to 64 letters, digits, _ or -');
}

function describe(name: string, { description, parameters }: Document): ModelTool {
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    parameters: isPlainObject(parameters) ? (parameters as ValueObject) : ANY_ARGUMENTS,
  };
}

/** Some servers give parallel calls one id; their results could not be told apart. */
export function distinctCalls(calls: readonly ToolCall[]): ToolCall[] {
  const seen = new Set<string>();
  return calls.map((call, index) => {
    const id = seen.has(call.id) ? `${call.id}_${index}` : call.id;
    seen.add(id);
    return { ...call, id };
  });
}

export function toolResult({ id }: ToolCall, output: Value): ToolMessage {
  const content = typeof output === 'string' ? output : stringifyValue(output);
  return { role: 'tool', tool_call_id: id, content };
}

export function toolFault({ id }: ToolCall, text: string): ToolMessage {
  return { role: 'tool', tool_call_id: id, content: text, is_error: true };
}

function refuse(id: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', `${text}, of ${id}`, { path: 'name', details: { id } });
}
