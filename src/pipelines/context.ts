import type { Document } from '../base/document.js';
import { JdbxError } from '../base/errors.js';
import { isPlainObject, type Value } from '../base/values.js';
import { evaluate } from '../query/expression.js';
import { referencedNames } from '../query/referenced-names.js';

/** What a context asks of the store, as of now. */
export interface ContextSource {
  /** A document that stages may see. */
  document(id: string): Document | undefined;
  /** The run's session document. */
  session(): Document | undefined;
  history(session: Document | undefined): readonly Value[];
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * What a stage can refer to: `input`, `session`, `history`, and each finished stage
 * under its name. A branch or an element of a map sees its parent's names too, and
 * keeps its own stages to itself.
 */
export class Context {
  readonly #values: Record<string, Value>;
  readonly #source: ContextSource;
  /** What the next stage gets when it names no inputs. */
  previous: Value;

  /** @param values the context's own from now on */
  constructor(values: Record<string, Value>, previous: Value, source: ContextSource) {
    this.#values = values;
    this.previous = previous;
    this.#source = source;
  }

  /** A context for a branch: sees everything here, adds names of its own. */
  child(own: Readonly<Record<string, Value>>, previous: Value): Context {
    // Not spread: an object that was has no room for what is put into it later.
    return new Context(Object.assign({}, this.#values, own), previous, this.#source);
  }

  /** Gives a value a name; what the next stage gets stays. */
  name(name: string, value: Value): void {
    this.#values[name] = value;
  }

  /** Records a finished stage. */
  set(name: string, output: Value): void {
    this.#values[name] = output;
    this.previous = output;
  }

  /** Records a stage that was left out: its name is null, and the output before it goes on. */
  skip(name: string): void {
    this.name(name, null);
  }

  /** A name's value: a name of the context, else a field of the run's input. */
  lookup(name: string): Value | undefined {
    if (Object.hasOwn(this.#values, name)) return this.#values[name];
    const { input } = this.#values;
    return this.#ofSession(name) ?? (isPlainObject(input) ? fieldOf(input, name) : undefined);
  }

  /**
   * A MongoDB expression over the context: `"$input.task"`, `{ "$gt": ["$check.score", 0.8] }`.
   * Undefined when it gives nothing.
   *
   * @throws {JdbxError} INVALID_EXPRESSION
   */
  evaluate(expression: Value): Value | undefined {
    const { names, whole } = readingsOf(expression);
    // A run of a thousand stages has a thousand names, of which a stage reads a few.
    const values: Record<string, Value> = whole ? { ...this.#values } : {};
    for (const name of names) {
      const own = Object.hasOwn(this.#values, name);
      const value = own ? this.#values[name] : this.#ofSession(name);
      if (value !== undefined) values[name] = value;
    }
    return evaluate(expression, values, { now: this.#source.now() }) as Value | undefined;
  }

  /**
   * What a stage is handed. A list of names gives an object of their values; a name that
   * ends in `_id` also hands in the document under the name without `_id`, and
   * `session_id` the session's `history` too. Anything else is an expression. Without
   * inputs it is the output of the stage before.
   *
   * @throws {JdbxError} MISSING_INPUT, MISSING_DOCUMENT, INVALID_EXPRESSION
   */
  resolve(inputs: Value | undefined, path: string): Value {
    if (inputs === undefined) return this.previous;
    if (Array.isArray(inputs)) {
      const named: Record<string, Value> = {};
      for (const name of inputs as string[]) Object.assign(named, this.#named(name, path));
      return named;
    }
    return this.require(inputs, path);
  }

  /** The value of an expression that must give one. @throws {JdbxError} MISSING_INPUT */
  require(expression: Value, path: string): Value {
    const value = this.evaluate(expression);
    if (value !== undefined) return value;
    throw new JdbxError('MISSING_INPUT', 'expected a value, the expression gives nothing', {
      path,
    });
  }

  #named(name: string, path: string): Record<string, Value> {
    const value = this.lookup(name);
    if (value === undefined) {
      throw new JdbxError('MISSING_INPUT', `expected ${name} in the context`, { path });
    }
    if (!name.endsWith('_id') || typeof value !== 'string') return { [name]: value };
    const document = this.#source.document(value);
    if (!document) {
      throw new JdbxError('MISSING_DOCUMENT', `expected the document ${value} (${name})`, { path });
    }
    const short = name.slice(0, -'_id'.length);
    const history = short === 'session' ? { history: this.#source.history(document) } : {};
    return { [name]: value, [short]: document, ...history };
  }

  /** What the run's session adds to the context, when it has one; read only when it is asked for. */
  #ofSession(name: string): Value | undefined {
    if (name !== 'session' && name !== 'session_id' && name !== 'history') return undefined;
    const session = this.#source.session();
    if (!session) return undefined;
    if (name === 'history') return this.#source.history(session);
    return name === 'session' ? session : session._id;
  }
}

function fieldOf(object: Record<string, unknown>, name: string): Value | undefined {
  return Object.hasOwn(object, name) ? (object[name] as Value) : undefined;
}

/** What an expression reads of its context: these names, or it may be anything. */
interface Readings {
  readonly names: readonly string[];
  readonly whole: boolean;
}

/** By expressions of documents, which are frozen and evaluated again by each run. */
const readings = new WeakMap<object, Readings>();

function readingsOf(expression: Value): Readings {
  const isKnown = typeof expression === 'object' && expression !== null;
  const known = isKnown ? readings.get(expression) : undefined;
  if (known) return known;
  const found = { names: referencedNames(expression), whole: readsWhole(expression) };
  if (isKnown && Object.isFrozen(expression)) readings.set(expression, found);
  return found;
}

/** Names may be made up by the operators that get and set fields, and are all in the root. */
function readsWhole(expression: Value): boolean {
  return /"\$(?:\$(?:ROOT|CURRENT)|(?:get|set|unset)Field)/.test(JSON.stringify(expression) ?? '');
}
