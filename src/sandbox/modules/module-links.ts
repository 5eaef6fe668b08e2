import type { ExportSpecifier, Identifier, Literal, Pattern, Program } from 'acorn';

/** One `import … from` or `export … from` of a module. */
export interface ModuleImport {
  readonly specifier: string;
  /** The names that it takes; `*` and a bare import take none by name. */
  readonly names: readonly string[];
  /** True for `export * from`: every name but `default` is passed on. */
  readonly all: boolean;
  /** Offset in the code. */
  readonly position: number;
}

/** What a module takes from others, and what it gives. */
export interface ModuleLinks {
  readonly imports: readonly ModuleImport[];
  /** The names that it exports itself, those passed on by name included. */
  readonly exports: readonly string[];
}

export const NO_LINKS: ModuleLinks = { imports: [], exports: [] };

/** Reads the imports and exports off a parsed module. */
export function readLinks(program: Program): ModuleLinks {
  const imports: ModuleImport[] = [];
  const exports: string[] = [];
  for (const statement of program.body) {
    if ('source' in statement && statement.source) {
      const { source, type, start: position } = statement;
      const all = type === 'ExportAllDeclaration' && !statement.exported;
      const names = type === 'ExportAllDeclaration' ? [] : statement.specifiers.flatMap(taken);
      imports.push({ specifier: String(source.value), names, all, position });
    }
    if (statement.type === 'ExportAllDeclaration' && statement.exported) {
      exports.push(nameOf(statement.exported));
    } else if (statement.type === 'ExportDefaultDeclaration') {
      exports.push('default');
    } else if (statement.type === 'ExportNamedDeclaration') {
      exports.push(...statement.specifiers.map(({ exported }) => nameOf(exported)));
      exports.push(...declaredNames(statement.declaration));
    }
  }
  return { imports, exports };
}

type Taken = { readonly type: string; readonly imported?: unknown; readonly local: unknown };

/** The name that a specifier takes from the other module. */
function taken(specifier: Taken | ExportSpecifier): string[] {
  switch (specifier.type) {
    case 'ImportDefaultSpecifier':
      return ['default'];
    case 'ImportSpecifier':
      return [nameOf((specifier as Taken).imported as Identifier)];
    case 'ExportSpecifier':
      return [nameOf((specifier as ExportSpecifier).local)];
    default:
      return [];
  }
}

function nameOf(node: Identifier | Literal): string {
  return node.type === 'Identifier' ? node.name : String(node.value);
}

function declaredNames(declaration: unknown): string[] {
  const node = declaration as
    | { type: string; id?: Identifier; declarations?: { id: Pattern }[] }
    | null
    | undefined;
  if (!node) return [];
  if (node.declarations) return node.declarations.flatMap(({ id }) => namesIn(id));
  return node.id ? [node.id.name] : [];
}

/** The names that a pattern such as `{ a, b: { c }, ...d }` binds. */
function namesIn(pattern: Pattern | null): string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        namesIn(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'RestElement':
      return namesIn(pattern.argument);
    default:
      return [];
  }
}
