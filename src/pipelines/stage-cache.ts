import { contentHash } from '../base/canonical.js';
import type { Document } from '../base/document.js';
import { isoTime } from '../base/iso-time.js';
import { takeMadeValue, type Value, type ValueObject } from '../base/values.js';
import type { Draft } from '../documents/draft.js';
import { takeMade } from '../documents/take-document.js';
import type { Turn } from '../sessions/sessions.js';
import type { Context } from './context.js';
import type { RunServices, StageOutcome } from './contract.js';
import { definitionsUnder, idsNamedBy } from './pins.js';
import type { CacheRule, Stage } from './pipeline-document.js';
import { loadValue, storeValue } from './stored-value.js';

/** Where an output is kept, to be used again by whoever asks the same. */
export interface CacheSlot {
  readonly id: string;
  /** Milliseconds. */
  readonly maxAge: number | undefined;
}

/** What of a stage its output does not depend on. */
const ASIDE = new Set(
  'name description when inputs retry timeout on_error compensate session cache'.split(' '),
);

interface Asked {
  readonly stage: Stage;
  readonly path: string;
  readonly context: Context;
  readonly run: RunServices;
}

/** The slot of what a stage is about to do: of its definitions' content, its own words and its input. */
export function cacheSlot(
  { stage, path, context, run }: Asked,
  input: Value,
): CacheSlot | undefined {
  if (stage.cache === undefined || stage.cache === false) return undefined;
  const rule: CacheRule = stage.cache === true ? {} : stage.cache;
  const source = {
    document: (id: string) => run.definitions.get(id),
    typesOf: run.typesOf,
    importsOf: (document: Document) => run.codes.importsOf(document),
  };
  const documents = definitionsUnder(idsNamedBy(stage), source);
  const own = Object.entries(stage).filter(([field]) => !ASIDE.has(field));
  const depends =
    rule.key === undefined
      ? [input, lookedUp(documents, context, run), evaluated(stage, context)]
      : context.require(rule.key, `${path}.cache.key`);
  const content = documents.map(({ _rev, ...body }) => body);
  const { value } = takeMadeValue([Object.fromEntries(own), content, depends]);
  return { id: `cache:${contentHash(value)}`, maxAge: rule.max_age };
}

/** What was given for the same before; undefined when nothing was, or it is too old. */
export function keptOutput(
  { id, maxAge }: CacheSlot,
  nowMs: number,
  get: (id: string) => Document | undefined,
): StageOutcome | undefined {
  const kept = get(id) as (Document & { readonly at: string; readonly turns: Turn[] }) | undefined;
  if (!kept || (maxAge !== undefined && Date.parse(kept.at) + maxAge <= nowMs)) return undefined;
  return { output: loadValue(kept, 'output', get), turns: kept.turns, facts: { cached: id } };
}

export interface KeptOutput {
  readonly run: string;
  readonly path: string;
  readonly output: Value;
  readonly turns: readonly Turn[];
}

export function keepOutput(draft: Draft, { id, maxAge }: CacheSlot, kept: KeptOutput): void {
  const { output, ...facts } = kept;
  const expires = maxAge === undefined ? {} : { expires_at: isoTime(draft.at + maxAge) };
  draft.put(
    takeMade({
      _id: id,
      _type: 'cache',
      ...facts,
      at: isoTime(draft.at),
      ...expires,
      ...storeValue(draft, 'output', output),
    }),
  );
}

/** Guests and templates find what their input lacks in the context, by its name. */
function lookedUp(documents: readonly Document[], context: Context, run: RunServices): ValueObject {
  const names = documents.flatMap((document) => [
    ...variablesOf(document),
    ...parametersOf(document, run),
  ]);
  const values = names.map((name) => [name, context.lookup(name) ?? null]);
  return Object.fromEntries(values) as ValueObject;
}

function variablesOf({ variables }: Document): string[] {
  return Array.isArray(variables) ? variables.map(String) : [];
}

function parametersOf(document: Document, { sandbox, codes }: RunServices): string[] {
  return (['code', 'generator', 'strategy'] as const).flatMap((field) => {
    if (typeof document[field] !== 'string') return [];
    const code = codes.javascript(document, field);
    const entry = document.entry as string | undefined;
    const { parameters } = sandbox.entryOf({ name: document._id, code, entry });
    return parameters.length > 1 || field !== 'code'
      ? parameters.filter((name) => name !== undefined)
      : [];
  });
}

function evaluated(stage: Stage, context: Context): Value {
  const { key, context: passages, arguments: given, history } = stage;
  const values = [key, passages, given].map((each) =>
    each === undefined ? null : (context.evaluate(each) ?? null),
  );
  return [...values, history ? (context.lookup('history') ?? null) : null];
}
