import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value, type ValueObject } from '../../base/values.js';
import type { StageOutcome, StageWork } from '../contract.js';
import { callGuest } from '../guests/call-guest.js';
import { renderTemplate } from './template.js';
import { renderLiquid } from './template-liquid.js';

/** Settings that a prompt document may carry for the call that it is made for. */
const SETTINGS = ['temperature', 'top_p', 'max_tokens', 'stop', 'seed'] as const;

/** What it may ask of the answer. */
const ASKED = ['tools', 'tool_choice', 'response_schema'] as const;

/**
 * Fills a prompt document in: its `template` with the stage's inputs and the context,
 * or whatever its `generator` code returns.
 *
 * @throws {JdbxError} MISSING_VARIABLE, INVALID_DOCUMENT, and what the generator throws
 */
export async function renderPrompt(work: StageWork, document: Document): Promise<StageOutcome> {
  if (document.generator !== undefined) return generate(work, document);
  const fill = filler(document, (name) => variable(work, name));
  const prompt = await fill('template');
  if (prompt === undefined) {
    throw new JdbxError(
      'INVALID_DOCUMENT',
      `expected a template or a generator in ${document._id}`,
    );
  }
  return { output: request(document, prompt, await fill('system')) };
}

async function generate(work: StageWork, document: Document): Promise<StageOutcome> {
  const { value, facts } = await callGuest(work, {
    document,
    field: 'generator',
    input: work.input,
    lookup: (name) => variable(work, name),
  });
  return { output: request(document, value), facts };
}

/** Renders a field of the document in the template language that it names. */
function filler(document: Document, lookup: (name: string) => Value | undefined) {
  const variables = variablesOf(document);
  const { engine } = document;
  if (engine !== undefined && engine !== 'liquid') {
    throw new JdbxError('INVALID_DOCUMENT', `expected liquid or no engine in ${document._id}`, {
      path: 'engine',
    });
  }
  return async (field: 'template' | 'system'): Promise<string | undefined> => {
    const template = document[field];
    if (typeof template !== 'string') return undefined;
    if (engine === 'liquid') return renderLiquid(template, variables, lookup);
    return renderTemplate(template, variables, lookup);
  };
}

function variablesOf({ _id, variables = [] }: Document): readonly string[] {
  if (Array.isArray(variables) && variables.every((name) => typeof name === 'string')) {
    return variables;
  }
  throw new JdbxError('INVALID_DOCUMENT', `expected a list of names in ${_id}`, {
    path: 'variables',
  });
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
  const asked = ASKED.filter((name) => document[name] !== undefined);
  return {
    ...said,
    ...Object.fromEntries(asked.map((name) => [name, document[name]])),
    ...(system === undefined ? {} : { system }),
    ...(typeof document.model === 'string' ? { model: document.model } : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
  };
}
