import { expect } from 'chai'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { importedCodes } from '../../src/factors/imported-codes/index.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { codeIn, parseSource, readText, ROOT, rowsOf, sectionOf } from './page.ts'

const REQUIREMENTS = 47
const ABSENT = 'Not in this release'

interface Proof {
  readonly file: string
  readonly title: string
}

const rows = rowsOf(sectionOf(readText('docs/threat-model.md'), 2, 'What is promised')).map(
  ([number = '', promise = '', kept = '', shown = '']) => ({
    number,
    promise,
    kept: codeIn(kept),
    proofs: shown
      .split('<br>')
      .filter((line) => line !== '')
      .map((line): Proof => {
        const [, file, title] = /^`([^`]+)`: "(.+)"$/.exec(line) ?? []
        if (file === undefined || title === undefined)
          throw new Error(`${number}: ${line} names no file and title`)
        return { file, title }
      }),
  }),
)

/** The titles of each file's tests. A variable part of a title is written `...`, as on the page. */
const titles = new Map<string, readonly string[]>()
function titlesOf(file: string): readonly string[] {
  const known = titles.get(file)
  if (known !== undefined) return known
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|test)$/.test(node.expression.getText()))
      found.push(titleOf(node.arguments[0]))
    ts.forEachChild(node, visit)
  }
  visit(parseSource(file))
  titles.set(file, found)
  return found
}

function titleOf(node: ts.Node | undefined): string {
  if (node === undefined) return ''
  if (ts.isStringLiteralLike(node)) return node.text
  if (!ts.isTemplateExpression(node)) return ''
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('...')
}

/** The file that now has a test. A failure shows it to a developer who has moved the test. */
function isNow(title: string): string {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT })
  const found = files.find((file) => titlesOf(file).includes(title))
  return found === undefined ? ' (there is no such test)' : ` (is now in ${found})`
}

describe('docs/threat-model.md', () => {
  it('has a row for each requirement, in order', () => {
    expect(rows.map(({ number }) => number)).to.deep.equal(
      Array.from({ length: REQUIREMENTS }, (_, index) => `R${index + 1}`),
    )
    for (const { number, promise } of rows) expect(promise.length, number).to.be.greaterThan(30)
  })

  it('says of each promise where it is kept, in files that are there', () => {
    for (const { number, promise, kept } of rows.filter((row) => !row.promise.startsWith(ABSENT))) {
      expect(kept, `${number} ${promise}`).to.not.be.empty
      for (const file of kept) expect(existsSync(join(ROOT, file)), file).to.equal(true)
    }
  })

  it('names tests that are there, word for word', () => {
    const missing = rows.flatMap(({ number, proofs }) =>
      proofs
        .filter(
          ({ file, title }) => !existsSync(join(ROOT, file)) || !titlesOf(file).includes(title),
        )
        .map(({ file, title }) => `${number} ${file}: ${title}${isNow(title)}`),
    )
    expect(missing).to.deep.equal([])
  })

  it('shows each promise by a test of its number, and nothing that is not in this release', () => {
    for (const { number, promise, proofs } of rows) {
      const own = proofs.filter(({ title }) => title.split(' ').includes(number))
      if (promise.startsWith(ABSENT)) expect(proofs, number).to.be.empty
      else expect(own, number).to.not.be.empty
    }
  })

  it('R13 no factor of the product is a code that is mailed', () => {
    const folders = globSync('src/factors/*/index.ts', { cwd: ROOT })
    const codes: AnyFactor[] = [totp(), backupCodes(), importedCodes()]
    const factors = [...codes, passkeys()]
    expect(folders.map((file) => file.split('/').at(-2))).to.have.members(
      factors.map(({ id }) => id),
    )
    for (const { id, challenge } of codes) expect(challenge, id).to.equal(undefined)
    for (const { id, delivers } of factors) expect(delivers, id).to.equal(undefined)
  })
})
