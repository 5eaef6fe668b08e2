import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../base/values.js';
import type { StageOutcome, StageWork } from './contract.js';
import { callGuest } from './guest.js';
import { renderTemplate } from './template.js';
import { renderLiquid } from './template-liquid.js';

/** Settings that a prompt document may carry for the call that it is made for. */
const SETTINGS = ['temperature', 'top_p', 'max_tokens', 'stop', 'seed'] as const;

/**
 * Fills a prompt document in: its `template` with the stage's inputs and the context,
 * or whatever its `generator` code returns.
 *
 * @throws {JdbxError} MISSING_VARIABLE, INVALID_DOCUMENT, and what the generator throws
 */
export async function renderPrompt(work: StageWork, document: Document): Promise<StageOutcome> {
  const lookup = (name: string) => variable(work, name);
  if (typeof document.generator === 'string') {
    const { input } = work;
    const guest = await callGuest(work, { document, field: 'generator', input, lookup });
    const output = request(document, guest.value);
    return { output, workspace: guest.workspace, facts: guest.facts, usage: guest.usage };
  }
  const render = async (template: Value | undefined) =>
    typeof template === 'string' ? fill(document, template, lookup) : undefined;
  const prompt = await render(document.template);
  if (prompt === undefined) {
    throw new JdbxError(
      'INVALID_DOCUMENT',
      `expected a template or a generator in ${document._id}`,
    );
  }
  return { output: request(document, prompt, await render(document.system)) };
}

function fill(
  document: Document,
  template: string,
  lookup: (name: string) => Value | undefined,
): string | Promise<string> {
  const variables = (document.variables ?? []) as readonly string[];
  if (document.engine === 'liquid') return renderLiquid(template, variables, lookup);
  return renderTemplate(template, variables, lookup);
}

/** The stage's own inputs come first, then the context. */
function variable({ input, context }: StageWork, name: string): Value | undefined {
  if (isPlainObject(input) && Object.hasOwn(input, name)) return input[name] as Value;
  return context.lookup(name);
}

function request(document: Document, generated: Value, system?: string): ValueObject {
  const said = isPlainObject(generated) ? (generated as ValueObject) : { prompt: generated };
  const settings = Object.fromEntries(
    SETTINGS.flatMap((name) => (document[name] === undefined ? [] : [[name, document[name]]])),
  );
  return {
    ...said,
    ...(system === undefined ? {} : { system }),
    ...(typeof document.model === 'string' ? { model: document.model } : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
  };
}
