import { expect } from 'chai'
import { codeIn, readText, rowsOf, sectionOf } from './page.ts'

describe('the guide about passkeys', () => {
  const guide = readText('docs/guides/passkeys.md')

  it('names each refusal of the code in its table of checks, and no other', () => {
    const code = readText('src/factors/passkey/checks.ts')
    const names = [...code.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, name]) => name)
    expect(names).to.have.length.greaterThan(20)
    const rows = rowsOf(sectionOf(guide, 2, 'The checks'))
    const cells = rows.map(([, cell = '']) => cell).filter((cell) => !cell.startsWith('event'))
    expect(cells.flatMap((cell) => codeIn(cell))).to.have.members(names)
  })

  it('R28 has a test for each of them', () => {
    const code = readText('src/factors/passkey/checks.ts')
    const tests = ['registration', 'assertion', 'attestation'].map((name) =>
      readText(`test/factors/passkey/${name}.test.ts`),
    )
    for (const [, name = ''] of code.matchAll(/^ {2}\| '([a-z-]+)'/gm))
      expect(tests.join('\n'), name).to.match(new RegExp(`(?:refusal: |\\[)\\s*'${name}'`))
  })

  it('lists every option', () => {
    const options = readText('src/factors/passkey/options.ts')
    for (const [, name = ''] of options.matchAll(/^ {2}readonly (\w+)\?:/gm))
      expect(guide).to.include(`| \`${name}\` |`)
  })
})
