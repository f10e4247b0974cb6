import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import { codeIn, readText, ROOT, rowsOf, sectionOf } from './page.ts'

/** The tests of each ceremony, in files of the folder test. */
const FILES = {
  registration: ['registration', 'hostile', 'attestation', 'options']
    .map(inFactor)
    .concat(['plugin/passkey-attacks.test.ts']),
  signIn: ['assertion', 'hostile', 'attestation']
    .map(inFactor)
    .concat(['plugin/passkey-attempts.test.ts']),
} as const
/** The number of the last step of 7.1 and of 7.2. */
const LAST_STEP = { registration: 29, signIn: 25 } as const

type Ceremony = keyof typeof FILES

/** A row of the table of checks. */
interface Row {
  readonly check: string
  readonly refusals: readonly string[]
  readonly claims: Readonly<Record<Ceremony, Claim | undefined>>
}

/** The steps and the test of a check in one ceremony. */
interface Claim {
  readonly steps: readonly number[]
  readonly test: string
}

const HOW =
  'Each row of the table "The checks" in docs/guides/passkeys.md needs: the check, the names of checks.ts or a dash, ' +
  'by whom, and for each ceremony `STEPS: TITLE OF A TEST` (or `no step: TITLE`) or a dash'

function inFactor(name: string): string {
  return `factors/passkey/${name}.test.ts`
}

function readRow([check = '', refusal = '', , registration = '', signIn = '']: string[]): Row {
  const refusals = refusal.startsWith('event') ? [] : codeIn(refusal)
  const claims = { registration: readClaim(registration), signIn: readClaim(signIn) }
  return { check, refusals, claims }
}

function readClaim(cell: string): Claim | undefined {
  if (cell === '–') return undefined
  const [, steps = '', test = ''] = /^((?:\d+, )*\d+|no step): (.+)$/.exec(cell) ?? []
  expect(test, `${HOW}. This is none: ${cell}`).not.to.equal('')
  return { steps: steps === 'no step' ? [] : steps.split(', ').map(Number), test }
}

/** The titles of the tests of some files, as the runner itself names them. */
function titlesOf(files: readonly string[]): readonly string[] {
  const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js')
  const paths = files.map((file) => `test/${file}`)
  const said = execFileSync(
    process.execPath,
    [mocha, '--dry-run', '--reporter', 'json', ...paths],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const { tests } = JSON.parse(said.toString()) as {
    readonly tests: readonly { readonly title: string; readonly fullTitle: string }[]
  }
  return tests.flatMap(({ title, fullTitle }) => [title, fullTitle])
}

/** The source of a test that is not made in a loop, up to the next one. Empty: it is made in a loop. */
function sourceOf(title: string, files: readonly string[]): string {
  for (const file of files) {
    const text = readText(`test/${file}`).replaceAll('\\u2019', '’')
    const at = text.indexOf(`it('${title}'`)
    if (at >= 0) return text.slice(at).split(/\n {2}(?:it|for)\b|\n\}\)/)[0] ?? ''
  }
  return ''
}

describe('the guide about passkeys', () => {
  const guide = readText('docs/guides/passkeys.md')
  const rows = rowsOf(sectionOf(guide, 2, 'The checks')).map(readRow)
  const code = readText('src/factors/passkey/checks.ts')
  const names = [...code.matchAll(/^ {2}\| '([a-z-]+)'/gm)].map(([, name = '']) => name)

  it('names each refusal of the code in its table of checks, and no other', () => {
    expect(names).to.have.length.greaterThan(20)
    const named = new Set(rows.flatMap(({ refusals }) => refusals))
    expect([...named], HOW).to.have.members(names)
  })

  for (const ceremony of ['registration', 'signIn'] as const) {
    it(`R28 names a test of each check of the ceremony: ${ceremony}`, () => {
      const titles = titlesOf(FILES[ceremony])
      for (const { check, claims, refusals } of rows) {
        const claim = claims[ceremony]
        if (claim === undefined) continue
        const { test } = claim
        expect(titles, `${HOW}. The tests of the ${ceremony} have none for: ${check}`).to.include(
          test,
        )
        const source = sourceOf(test, FILES[ceremony])
        for (const refusal of refusals)
          expect(
            test.endsWith(` as ${refusal}`) || source.includes(`'${refusal}'`),
            `The test “${test}” expects ${refusal}`,
          ).to.equal(true)
      }
    }).timeout(60_000)

    it(`has every step of the standard in that table: ${ceremony}`, () => {
      const steps = rows.flatMap(({ claims }) => claims[ceremony]?.steps ?? [])
      const all = Array.from({ length: LAST_STEP[ceremony] }, (_, before) => before + 1)
      expect([...new Set(steps)], HOW).to.have.members(all)
    })
  }

  it('lists every option', () => {
    const options = readText('src/factors/passkey/options.ts')
    for (const [, name = ''] of options.matchAll(/^ {2}readonly (\w+)\?:/gm))
      expect(guide).to.include(`| \`${name}\` |`)
  })
})
