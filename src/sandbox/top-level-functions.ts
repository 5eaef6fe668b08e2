import type {
  AnonymousFunctionDeclaration,
  ArrowFunctionExpression,
  ExportDefaultDeclaration,
  FunctionDeclaration,
  FunctionExpression,
  ModuleDeclaration,
  Node,
  Program,
  Statement,
} from 'acorn';

type FunctionNode =
  | FunctionDeclaration
  | AnonymousFunctionDeclaration
  | FunctionExpression
  | ArrowFunctionExpression;

/** A function that could be an entry, and how pipelines bind arguments to it. */
export interface FunctionFound {
  readonly name: string;
  readonly parameters: readonly (string | undefined)[];
  readonly required: number;
  readonly rest: boolean;
  readonly generator: boolean;
  /** Offset in the code. */
  readonly position: number;
}

/** Declarations and `const f = () => …` at the top level, in order of appearance. */
export function topLevelFunctions(program: Program): FunctionFound[] {
  return program.body.flatMap((statement) => functionsOf(unwrapExport(statement)));
}

/**
 * The `export default`, under its own name where the function has one that the
 * top level knows.
 */
export function findDefault(
  program: Program,
  functions: readonly FunctionFound[],
): FunctionFound | 'not a function' | undefined {
  for (const statement of program.body) {
    if (statement.type === 'ExportDefaultDeclaration') return fromDefault(statement, functions);
    const local = exportedAsDefault(statement);
    if (local) return byName(local, functions);
  }
  return undefined;
}

/** The first `await` that no function encloses; the parser lets modules have it. */
export function topLevelAwait(node: unknown): Node | undefined {
  if (typeof node !== 'object' || node === null || isFunction(node as Node)) return undefined;
  const { type, await: isAwaited } = node as Node & { await?: boolean };
  if (type === 'AwaitExpression' || isAwaited === true) return node as Node;
  for (const child of Object.values(node)) {
    const found = topLevelAwait(child);
    if (found) return found;
  }
  return undefined;
}

/** The first node of a type, at any depth. */
export function findNode(node: unknown, type: string): Node | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  if ((node as Node).type === type) return node as Node;
  for (const child of Object.values(node)) {
    const found = findNode(child, type);
    if (found) return found;
  }
  return undefined;
}

function fromDefault(
  { declaration }: ExportDefaultDeclaration,
  functions: readonly FunctionFound[],
): FunctionFound | 'not a function' {
  if (declaration.type === 'Identifier') return byName(declaration.name, functions);
  return isFunction(declaration) ? describe('default', declaration) : 'not a function';
}

function byName(name: string, functions: readonly FunctionFound[]) {
  const found = functions.findLast((candidate) => candidate.name === name);
  return found ? { ...found, name: 'default' } : 'not a function';
}

/** `export { f as default }` names `f`. */
function exportedAsDefault(statement: Statement | ModuleDeclaration): string | undefined {
  if (statement.type !== 'ExportNamedDeclaration') return undefined;
  for (const { exported, local } of statement.specifiers) {
    const isDefault = exported.type === 'Identifier' && exported.name === 'default';
    if (isDefault && local.type === 'Identifier') return local.name;
  }
  return undefined;
}

function unwrapExport(statement: Statement | ModuleDeclaration): unknown {
  const isExport =
    statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration';
  return isExport ? statement.declaration : statement;
}

function functionsOf(node: unknown): FunctionFound[] {
  const statement = node as Statement | null | undefined;
  if (statement?.type === 'FunctionDeclaration' && statement.id) {
    return [describe(statement.id.name, statement)];
  }
  if (statement?.type !== 'VariableDeclaration') return [];
  return statement.declarations.flatMap(({ id, init }) =>
    id.type === 'Identifier' && isFunction(init) ? [describe(id.name, init)] : [],
  );
}

function isFunction(node: { type: string } | null | undefined): node is FunctionNode {
  return /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(
    node?.type ?? '',
  );
}

function describe(name: string, node: FunctionNode): FunctionFound {
  const rest = node.params.at(-1)?.type === 'RestElement';
  const params = rest ? node.params.slice(0, -1) : node.params;
  const parameters = params.map((param) => {
    const target = param.type === 'AssignmentPattern' ? param.left : param;
    return target.type === 'Identifier' ? target.name : undefined;
  });
  const optional = params.findIndex((param) => param.type === 'AssignmentPattern');
  const required = optional === -1 ? params.length : optional;
  const generator = node.generator === true;
  return { name, parameters, required, rest, generator, position: node.start };
}
