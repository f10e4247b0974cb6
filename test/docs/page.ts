import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export function readText(path: string): string {
  return readFileSync(`${ROOT}/${path}`, 'utf8')
}

export interface Section {
  readonly heading: string
  /** The text up to the next heading of the same or a higher level, trimmed. */
  readonly body: string
}

/** The sections of a page under headings of one level. Lines of fenced code are not read as headings. */
export function sectionsOf(text: string, level: number): Section[] {
  const sections: { heading: string; body: string }[] = []
  let fenced = false
  let open = false
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced
    const marks = fenced ? undefined : /^(#+) (.*)$/.exec(line)
    if (marks?.[1] !== undefined && marks[1].length <= level) {
      open = marks[1].length === level
      if (open) sections.push({ heading: (marks[2] ?? '').replaceAll('`', '').trim(), body: '' })
    } else if (open) {
      const section = sections.at(-1)
      if (section !== undefined) section.body += `${line}\n`
    }
  }
  return sections.map(({ heading, body }) => ({ heading, body: body.trim() }))
}

/** The body of the only section with this heading. Throws if there is none or more than one. */
export function sectionOf(text: string, level: number, heading: string): string {
  const found = sectionsOf(text, level).filter((section) => section.heading === heading)
  if (found.length !== 1) throw new Error(`${found.length} sections are called ${heading}`)
  return found[0]?.body ?? ''
}

/** The cells of a table's rows, without the header row. A `|` within code is written `\|`. */
export function rowsOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .trim()
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    )
    .filter((cells, index) => index > 1 && !cells.every((cell) => /^:?-+:?$/.test(cell)))
}

/** The texts between backticks, in the order of the page. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

export function parseSource(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readText(path), ts.ScriptTarget.Latest, true)
}

/** The first declaration of this name in a source file. */
export function declarationOf<T extends ts.Statement>(
  source: ts.SourceFile,
  is: (node: ts.Node) => node is T,
  name: string,
): T {
  const found = source.statements.find(
    (node): node is T => is(node) && (node as { name?: ts.Identifier }).name?.text === name,
  )
  if (found === undefined) throw new Error(`${source.fileName} declares no ${name}`)
  return found
}

/** The initial value of a constant, without `as const` and `satisfies`. */
export function constantOf(source: ts.SourceFile, name: string): ts.Expression {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue
    for (const { name: declared, initializer } of statement.declarationList.declarations) {
      if (declared.getText() !== name || initializer === undefined) continue
      return ts.isAsExpression(initializer) || ts.isSatisfiesExpression(initializer)
        ? initializer.expression
        : initializer
    }
  }
  throw new Error(`${source.fileName} has no constant ${name}`)
}

/** The strings of `type X = 'a' | 'b'`. */
export function unionOf(source: ts.SourceFile, name: string): string[] {
  const { type } = declarationOf(source, ts.isTypeAliasDeclaration, name)
  const members = ts.isUnionTypeNode(type) ? [...type.types] : [type]
  return members.map((member) => {
    if (!ts.isLiteralTypeNode(member) || !ts.isStringLiteral(member.literal))
      throw new Error(`${name} is more than a union of strings`)
    return member.literal.text
  })
}

/** The text of a type in the source, on one line. */
export function typeText(node: ts.Node): string {
  return node.getText().replaceAll(/\s+/g, ' ').replace(/^\| /, '')
}
