import { expect } from 'chai'
import { globSync } from 'node:fs'
import ts from 'typescript'
import { EVENT_TYPES } from '../../src/domain/events.ts'
import { PASSKEY_EVENTS, passkeys } from '../../src/factors/passkey/index.ts'
import { BACKUP_CODE_EVENTS } from '../../src/factors/backup-codes/index.ts'
import { SERVER_EVENTS } from '../../src/server/observe/audit.ts'
import {
  codeIn,
  constantOf,
  declarationOf,
  parseSource,
  readText,
  ROOT,
  rowsOf,
  sectionOf,
} from './page.ts'

const page = readText('docs/reference/events.md')
const types = rowsOf(sectionOf(page, 2, 'Types'))
/** The general event types and those of the factors that the product includes. */
const TYPES: readonly string[] = [...EVENT_TYPES, ...BACKUP_CODE_EVENTS, ...PASSKEY_EVENTS]
const NOT_SENT = 'Not sent in this release'

/** The event types that the sources of the product send. */
function sentTypes(): string[] {
  const files = globSync('{interactions,src/{domain,application,factors,import}}/**/*.ts', {
    cwd: ROOT,
  })
  const sent = files.flatMap((file) =>
    [...readText(file).matchAll(/\btype: '([a-z-]+)'/g)].map((match) => match[1] ?? ''),
  )
  return TYPES.filter((type) => sent.includes(type))
}

function keysOf(source: ts.SourceFile, constant: string): string[] {
  const value = constantOf(source, constant)
  if (!ts.isObjectLiteralExpression(value)) throw new Error(`${constant} is no object`)
  return value.properties.map(({ name }) => (name?.getText() ?? '').replaceAll("'", ''))
}

describe('docs/reference/events.md', () => {
  it('explains every event type, each once, and no other', () => {
    expect(types.map(([type]) => type)).to.have.members(TYPES.map((type) => `\`${type}\``))
    for (const [type, when = ''] of types) expect(when.length, type).to.be.greaterThan(10)
  })

  it('says which types this release does not send', () => {
    const documented = types.filter(([, when]) => !when?.includes(NOT_SENT)).map(([type]) => type)
    expect(documented).to.have.members(sentTypes().map((type) => `\`${type}\``))
  })

  it('says which the server mails', () => {
    const mailed = types.filter(([, , mail]) => mail === 'yes').map(([type]) => type)
    const general = keysOf(parseSource('src/plugin/notices.ts'), 'TEMPLATES')
    expect(general.length).to.be.greaterThan(0)
    const mails = [...general, ...(passkeys().mailedEvents ?? [])]
    expect(mailed).to.have.members(mails.map((type) => `\`${type}\``))
  })

  it('explains every member of the detail, and no other', () => {
    const { members } = declarationOf(
      parseSource('src/domain/events.ts'),
      ts.isInterfaceDeclaration,
      'EventDetail',
    )
    const documented = rowsOf(sectionOf(page, 2, 'Detail')).map(([member]) => member)
    expect(documented).to.have.members(members.map(({ name }) => `\`${name?.getText()}\``))
  })

  it("names the server's own entries", () => {
    const listed = codeIn(sectionOf(page, 2, "The server's own entries")).filter(
      (code) => !code.includes(' '),
    )
    expect(listed).to.have.members(SERVER_EVENTS)
  })
})
