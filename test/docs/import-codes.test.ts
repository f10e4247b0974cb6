import { expect } from 'chai'
import { readText, rowsOf, sectionOf } from './page.ts'

/** The source files with the unions whose members name the causes of bad lines and the warnings. */
const SOURCES = [
  ...['people', 'lines', 'person'].map((name) => `src/server/import/${name}.ts`),
  ...['fields', 'totp', 'codes'].map((name) => `src/import/${name}.ts`),
  'src/adapters/crypto/foreign-hash/scheme.ts',
]

const MEMBER = /^\s*(?:\||export type \w+ =|readonly code:|readonly warnings:)/

function codesIn(source: string): string[] {
  const [...lines] = source.split('\n').filter((line) => MEMBER.test(line))
  return lines.flatMap((line) =>
    [...(line.split('//')[0] ?? '').matchAll(/'([a-z]+(?:-[a-z]+)*)'/g)].map(
      ([, code = '']) => code,
    ),
  )
}

/** Members of other unions in these files, and a cause that an import never reports. */
const NO_CAUSES = ['jsonl', 'csv', 'hex', 'ascii', 'unchanged', 'secret-missing']

describe('what an import says of a line', () => {
  it('is explained in the guide, each cause and warning, and no other', () => {
    const guide = readText('docs/guides/migrate-from-home-made-2fa.md')
    const rows = rowsOf(sectionOf(guide, 3, 'Faults and warnings of a line'))
    const explained = rows.flatMap(([cause = '']) =>
      [...cause.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code),
    )
    const named = new Set(SOURCES.flatMap((path) => codesIn(readText(path))))
    for (const code of NO_CAUSES) named.delete(code)
    const once = new Set(explained)
    expect([...named].filter((code) => !once.has(code))).to.deep.equal([])
    expect([...once].filter((code) => !named.has(code))).to.deep.equal([])
  })
})
