import { isPlainObject } from '../../base/values.js';
import { isFieldName } from '../field-paths.js';
import { ownValue } from '../paths.js';
import { type Operators, refuse, type Scope } from './operator.js';

/** What is the same all through one evaluation. */
export interface Setting {
  readonly operators: Operators;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

type Variables = Readonly<Record<string, unknown>>;

/** What `$redact` answers with: no stored text equals one of them. */
export const REDACT_WORDS = {
  $$KEEP: Symbol('$$KEEP'),
  $$PRUNE: Symbol('$$PRUNE'),
  $$DESCEND: Symbol('$$DESCEND'),
} as const;

/** Evaluates expressions over one document. What has no `$` is itself. */
export class DocumentScope implements Scope {
  readonly #root: unknown;
  readonly #variables: Variables;
  readonly #setting: Setting;

  constructor(root: unknown, variables: Variables, setting: Setting) {
    this.#root = root;
    this.#variables = variables;
    this.#setting = setting;
  }

  get root(): unknown {
    return this.#root;
  }

  get variables(): Variables {
    return this.#variables;
  }

  with(variables: Variables): DocumentScope {
    return new DocumentScope(this.#root, { ...this.#variables, ...variables }, this.#setting);
  }

  value(expression: unknown): unknown {
    if (typeof expression === 'string') return this.#text(expression);
    if (Array.isArray(expression)) return expression.map((item) => this.value(item) ?? null);
    return isPlainObject(expression) ? this.#object(expression) : expression;
  }

  #object(object: Record<string, unknown>): unknown {
    const keys = Object.keys(object);
    const [first] = keys;
    if (first?.startsWith('$')) return this.#operator(first, object[first], keys.length);
    const out: Record<string, unknown> = {};
    for (const key of keys) {
      if (key === '__proto__') refuse(key, 'another name', key);
      const value = this.value(object[key]);
      if (value !== undefined) out[key] = value;
    }
    return out;
  }

  #operator(name: string, operand: unknown, keys: number): unknown {
    const { operators } = this.#setting;
    const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
    if (!operator || keys > 1) refuse(name, 'one known operator', operator ? 'more' : name);
    return operator.run(operand, this);
  }

  #text(text: string): unknown {
    if (!text.startsWith('$')) return text;
    if (Object.hasOwn(REDACT_WORDS, text)) return REDACT_WORDS[text as keyof typeof REDACT_WORDS];
    const [first, ...path] = text.slice(1).split('.') as [string, ...string[]];
    if (!path.every(isFieldName)) refuse(text, 'a path of names', 'a $ in it');
    return first.startsWith('$')
      ? follow(this.#variable(first.slice(1)), path, 0)
      : follow(this.#current, [first, ...path], 0);
  }

  get #current(): unknown {
    return Object.hasOwn(this.#variables, 'CURRENT') ? this.#variables.CURRENT : this.#root;
  }

  #variable(name: string): unknown {
    if (Object.hasOwn(this.#variables, name)) return this.#variables[name];
    if (name === 'ROOT' || name === 'CURRENT') return this.#root;
    if (name === 'NOW') return new Date(this.#setting.now);
    if (name === 'REMOVE') return undefined;
    return refuse(`$$${name}`, 'a variable', 'an undefined variable');
  }
}

/** A path goes into each object of an array; a position in it has no name. */
function follow(value: unknown, path: readonly string[], at: number): unknown {
  let node = value;
  for (let depth = at; depth < path.length; depth++) {
    if (Array.isArray(node)) return followAll(node, path, depth);
    node = ownValue(node, path[depth] as string);
  }
  return node;
}

function followAll(array: readonly unknown[], path: readonly string[], at: number): unknown[] {
  const out: unknown[] = [];
  for (const item of array) {
    const value = isPlainObject(item) ? follow(item, path, at) : undefined;
    if (value !== undefined) out.push(value);
  }
  return out;
}
