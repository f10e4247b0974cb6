import { expect } from 'chai'
import ts from 'typescript'
import { constantOf, declarationOf, parseSource, readText, sectionsOf, typeText } from './page.ts'

const page = readText('docs/reference/options.md')
const sections = sectionsOf(page, 3)
const source = parseSource('src/plugin/options.ts')

interface Option {
  readonly name: string
  /** The line that the page must have under the option's heading. */
  readonly line: string
}

function declaredOptions(): Option[] {
  const { members } = declarationOf(source, ts.isInterfaceDeclaration, 'MfaOptions')
  return members.map((member) => {
    if (!ts.isPropertySignature(member) || member.type === undefined)
      throw new Error('an option is no property with a type')
    const required = member.questionToken === undefined ? ', required' : ''
    return { name: member.name.getText(), line: `\`${typeText(member.type)}\`${required}` }
  })
}

/** The option names that the check at run time accepts. */
function checkedOptions(): string[] {
  const shape = constantOf(source, 'shape')
  const fields = ts.isCallExpression(shape) ? shape.arguments[0] : undefined
  if (fields === undefined || !ts.isObjectLiteralExpression(fields))
    throw new Error('the options are not checked by an object of their own')
  return fields.properties.map((property) => property.name?.getText() ?? '')
}

describe('docs/reference/options.md', () => {
  const declared = declaredOptions()

  it('explains every option of createMfa, each once, and no other', () => {
    expect(declared.length).to.be.greaterThan(10)
    expect(sections.map(({ heading }) => heading)).to.have.members(declared.map(({ name }) => name))
  })

  it('gives each the type that it has, and says which are required', () => {
    expect(
      sections.map(({ heading, body }) => ({ name: heading, line: body.split('\n')[0] })),
    ).to.have.deep.members(declared)
  })

  it('says of each what it does', () => {
    for (const { heading, body } of sections)
      expect(body.split('\n\n')[1]?.length, heading).to.be.greaterThan(10)
  })

  it('knows the names that are accepted at run time, and those alone', () => {
    expect(sections.map(({ heading }) => heading)).to.have.members(checkedOptions())
  })
})
