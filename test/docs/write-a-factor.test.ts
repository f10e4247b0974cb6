import { expect } from 'chai'
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import type { Factor } from '../../src/factors/factor.ts'
import { createViews } from '../../src/http/views.ts'
import { describeFactor } from '../../src/testing/index.ts'
import { seededRandom } from '../factors/seeded-random.ts'
import vectors from '../vectors/rfc4226.json' with { type: 'json' }
import { examplesOf, exampleWith } from './examples.ts'

const GUIDE = 'docs/guides/write-a-factor.md'

type HotpState = { key: string; counter: number }
type Hotp = Factor<HotpState, HotpState, null, { code: string }, { counter: number }>

/** The folder with the files of the example, under the names that the guide gives them. */
const folder = mkdtempSync(join(tmpdir(), 'mfa-docs-'))
const templates = examplesOf(GUIDE, 'njk').flatMap((text) => {
  const [, path] = /^\{# (\S+) #\}/.exec(text) ?? []
  return path === undefined ? [] : [{ path, text }]
})
const words = { path: 'hotp/messages/en.json', text: exampleWith(GUIDE, 'json', 'factor.hotp') }
const code = { path: 'hotp.mjs', text: exampleWith(GUIDE, 'js', 'export function hotp') }
for (const { path, text } of [...templates, words, code]) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
const { hotp } = (await import(pathToFileURL(join(folder, 'hotp.mjs')).href)) as {
  hotp: () => Hotp
}

/** A code of the token, computed after RFC 4226 and not with the code of the guide. */
function codeOf(key: string, counter: number): string {
  const moving = Buffer.from(counter.toString(16).padStart(16, '0'), 'hex')
  const mac = createHmac('sha1', Buffer.from(key, 'hex')).update(moving).digest()
  const offset = (mac.at(-1) ?? 0) % 16
  const bits = Number(BigInt(`0x${mac.subarray(offset, offset + 4).toString('hex')}`) % 2n ** 31n)
  return String(bits % 10 ** 6).padStart(6, '0')
}

describe('the example of docs/guides/write-a-factor.md', () => {
  after(() => rmSync(folder, { recursive: true }))

  it('makes the codes of RFC 4226', async () => {
    expect(vectors.codes.length).to.be.greaterThan(5)
    const key = Buffer.from(vectors.secret.ascii).toString('hex')
    for (const [counter, code] of vectors.codes.entries())
      expect(
        await hotp().examine({
          states: [{ authenticatorId: 'token', state: { key, counter } }],
          challenge: undefined,
          response: { code },
          now: 0,
          hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
        }),
      ).to.deep.equal({ outcome: 'proved', authenticatorId: 'token', proof: { counter } })
  })

  it('brings pages that show what is needed, and what was wrong', async () => {
    const views = createViews({ factors: [hotp()] })
    const common = { csrf: 'token', action: '/go', cancelAction: '/cancel' }
    const around = { issuerName: 'Acme', locale: 'en' }
    const setUp = await views.render(
      'hotp-enrol',
      { ...common, name: '', enrolment: { key: 'a1b2c3' } },
      around,
    )
    expect(setUp).to.contain('a1b2c3').and.to.contain('autocomplete="one-time-code"')
    const verify = await views.render(
      'hotp-verify',
      { ...common, verification: {}, error: { code: 'refused' } },
      around,
    )
    expect(verify)
      .to.contain('data-page="hotp-verify"')
      .and.to.contain('That code was not accepted')
  })

  describeFactor('the example of the guide', {
    factor: hotp(),
    random: seededRandom('guide'),
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    holder() {
      let [key, counter] = ['', 0]
      const press = () => {
        counter += 1
        return { code: codeOf(key, counter - 1) }
      }
      return {
        confirm({ page }) {
          key = String(page.key)
          return press()
        },
        respond: press,
      }
    },
    variations: ({ code = '' }) => [{ code: `${code.slice(0, 3)} ${code.slice(3)}` }],
    wrong: { code: '000000' },
    unreadable: [{ code: '12345' }, { code: '12345a' }],
  })
})
