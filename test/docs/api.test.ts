import { expect } from 'chai'
import ts from 'typescript'
import {
  codeIn,
  declarationOf,
  parseSource,
  readText,
  rowsOf,
  sectionOf,
  sectionsOf,
  typeText,
} from './page.ts'

const page = readText('docs/reference/api.md')
const source = parseSource('src/index.ts')

/** The exports of the public entry that exist at run time. */
function exportedValues(): string[] {
  return source.statements.flatMap((statement) => {
    if (ts.isFunctionDeclaration(statement) && isExported(statement))
      return [statement.name?.text ?? '']
    const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined
    if (!ts.isExportDeclaration(statement) || statement.isTypeOnly || clause === undefined)
      return []
    if (!ts.isNamedExports(clause)) throw new Error('the entry exports a namespace')
    return clause.elements.filter((each) => !each.isTypeOnly).map((each) => each.name.text)
  })
}

function isExported(node: ts.FunctionDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
}

/** The members of the plugin with their declarations. A member of a group is named `group.member`. */
function members(): { name: string; line: string }[] {
  const { members } = declarationOf(source, ts.isInterfaceDeclaration, 'Mfa')
  return members.flatMap((member) => {
    const name = member.name?.getText() ?? ''
    if (ts.isPropertySignature(member) && member.type && ts.isTypeLiteralNode(member.type))
      return member.type.members.map((inner) => ({
        name: `${name}.${inner.name?.getText()}`,
        line: `\`${typeText(inner)}\``,
      }))
    return [{ name, line: `\`${typeText(member)}\`` }]
  })
}

describe('docs/reference/api.md', () => {
  it('explains every export of the public entry, and no other', () => {
    const documented = sectionsOf(sectionOf(page, 2, 'oidc-provider-mfa'), 3)
    expect(exportedValues().length).to.be.greaterThan(4)
    expect(documented.map(({ heading }) => heading)).to.have.members(exportedValues())
    for (const { heading, body } of documented) expect(body.length, heading).to.be.greaterThan(30)
  })

  it('explains every member of the plugin, as it is declared, and no other', () => {
    const documented = sectionsOf(sectionOf(page, 2, 'What createMfa returns'), 3)
    expect(
      documented.map(({ heading, body }) => ({ name: heading, line: body.split('\n')[0] })),
    ).to.have.deep.members(members())
    for (const { heading, body } of documented)
      expect(body.split('\n\n')[1]?.length, heading).to.be.greaterThan(20)
  })

  it('names every other entry of the package', () => {
    const { exports } = JSON.parse(readText('package.json')) as { exports: object }
    const others = Object.keys(exports).filter((entry) => entry !== '.' && !/\.json$/.test(entry))
    const rows = rowsOf(sectionOf(page, 2, 'Other entries'))
    expect(rows.map(([entry = '']) => codeIn(entry)[0])).to.have.members(
      others.map((entry) => `oidc-provider-mfa${entry.slice(1)}`),
    )
  })
})
