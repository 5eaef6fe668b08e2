import { describeThrown, JdbxError } from '../../base/errors.js';
import type { Value } from '../../base/values.js';

/**
 * Renders a template of the Liquid language (https://liquidjs.com), with loops and
 * conditions, for prompts that say `engine: "liquid"`. The library is an optional
 * peer, imported on first use. Only the prompt's `variables` are visible, a missing
 * one is an error, and templates cannot read files.
 *
 * @throws {JdbxError} MISSING_VARIABLE, INVALID_DOCUMENT
 */
export async function renderLiquid(
  template: string,
  variables: readonly string[],
  lookup: (name: string) => Value | undefined,
): Promise<string> {
  const { Liquid } = await loadLiquid();
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    ownPropertyOnly: true,
    templates: {},
    renderLimit: 1_000,
    memoryLimit: 10_000_000,
  });
  const values: Record<string, Value> = {};
  for (const name of variables) {
    const value = lookup(name);
    if (value === undefined || value === null) {
      throw new JdbxError('MISSING_VARIABLE', `expected a value for ${name}`, { path: name });
    }
    values[name] = value;
  }
  try {
    return String(await engine.parseAndRender(template, values));
  } catch (cause) {
    const undefinedVariable = (cause as Error).name === 'UndefinedVariableError';
    const code = undefinedVariable ? 'MISSING_VARIABLE' : 'INVALID_DOCUMENT';
    throw new JdbxError(code, describeThrown(cause), { path: 'template', cause });
  }
}

async function loadLiquid(): Promise<typeof import('liquidjs')> {
  try {
    return await import('liquidjs');
  } catch (cause) {
    throw new JdbxError(
      'INVALID_DOCUMENT',
      'expected the package liquidjs for engine "liquid"; install it with: npm install liquidjs',
      { path: 'engine', cause },
    );
  }
}
