import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import ts from 'typescript'

/** One module reference in a source file. */
export interface Import {
  /** The specifier as it is written: a relative path, a package or a module such as `node:fs`. */
  readonly specifier: string
  /** The imported file, relative to the root of the repository; absent for packages. */
  readonly file?: string
  /** Whether Node drops the import: `import type`, `export type`, `typeof import()`. It keeps `import { type A }`. */
  readonly typeOnly: boolean
  /** The imported names, as the other module exports them. */
  readonly names: readonly string[]
}

/** The references of a source file, read from its syntax tree, so that comments and strings cannot mislead. */
export interface Source {
  readonly imports: readonly Import[]
  /** Member accesses such as `process.env`, `Date.now` and `Math.random`, as they are written. */
  readonly members: readonly string[]
  /** The functions, constants and classes that are declared with `export`. */
  readonly exports: readonly string[]
  /** The number of imports with a computed specifier, about which nothing can be checked. */
  readonly computedImports: number
}

export function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  const members: string[] = []
  const exports = tree.statements.filter(isExported).flatMap(valuesOf)
  let computedImports = 0

  const add = (specifier: string, typeOnly: boolean, names: readonly string[]): void => {
    const file = specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined
    imports.push({ specifier, typeOnly, names, ...(file === undefined ? {} : { file }) })
  }

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const bindings = node.importClause?.namedBindings
      const elements = bindings && ts.isNamedImports(bindings) ? [...bindings.elements] : []
      const wholly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      add(node.moduleSpecifier.text, wholly, elements.map(nameOf))
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      if (ts.isStringLiteral(node.moduleSpecifier)) {
        const clause = node.exportClause
        const elements = clause && ts.isNamedExports(clause) ? [...clause.elements] : []
        add(node.moduleSpecifier.text, node.isTypeOnly, elements.map(nameOf))
      }
    } else if (ts.isImportTypeNode(node)) {
      if (ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal))
        add(node.argument.literal.text, true, [])
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const argument = node.arguments[0]
      if (argument && ts.isStringLiteralLike(argument)) add(argument.text, false, [])
      else computedImports += 1
    } else if (ts.isPropertyAccessExpression(node)) {
      members.push(node.getText(tree).replaceAll(/\s/g, ''))
    } else if (
      ts.isNewExpression(node) &&
      node.expression.getText(tree) === 'Date' &&
      (node.arguments?.length ?? 0) === 0
    ) {
      members.push('new Date()')
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return { imports, members, exports, computedImports }
}

function nameOf(element: ts.ImportSpecifier | ts.ExportSpecifier): string {
  return (element.propertyName ?? element.name).text
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** The names of the values that a statement declares, without types. */
function valuesOf(statement: ts.Statement): string[] {
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
    return statement.name === undefined ? [] : [statement.name.text]
  if (!ts.isVariableStatement(statement)) return []
  return statement.declarationList.declarations.flatMap(({ name }) =>
    ts.isIdentifier(name) ? [name.text] : [],
  )
}
