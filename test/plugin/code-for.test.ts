import { join } from 'node:path'
import { expect } from 'chai'
import { MfaError, type Mfa } from '../../src/index.ts'
import { codeFor } from '../../src/testing/index.ts'
import { examplesOf, importCode, withFolder } from '../docs/examples.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, follow, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson } from './sign-in.ts'

const KEYS = { encryptionKeys: [Buffer.alloc(32, 7)] }
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

async function refusalOf(answer: Promise<string>): Promise<MfaError> {
  const error: unknown = await answer.then(
    (code) => code,
    (thrown: unknown) => thrown,
  )
  expect(error).to.be.instanceOf(MfaError)
  return error as MfaError
}

describe('codeFor', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  /** Signs in in a new browser; answers whether the code was accepted. */
  async function isAccepted(code: string): Promise<boolean> {
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    const answer = await browser.submit(verify, { code })
    if (answer.status === 422) return false
    return callbackOf(await follow(host, browser, answer)).has('code')
  }

  it('answers a code that signs in, for an account that was imported', async () => {
    await host.mfa.accounts.import('mira', { totp: [{ secret: SECRET }] })
    const code = await codeFor(host.mfa, 'mira', KEYS)
    // The import spends the present time step.
    expect(code).to.equal(totpCode({ secret: SECRET }, host.clock.at + 30))
    expect(await codeFor(host.mfa, 'mira', KEYS)).to.equal(code)
    expect(await isAccepted(code)).to.equal(true)
  })

  it('R5 answers no spent code: twice at one time, then after the clock has moved on as it says', async () => {
    await enrolledPerson(host)
    const first = await codeFor(host.mfa, 'mira', KEYS)
    expect(await isAccepted(first)).to.equal(true)
    const second = await codeFor(host.mfa, 'mira', KEYS)
    expect(second).to.not.equal(first)
    expect(await isAccepted(first)).to.equal(false)
    expect(await isAccepted(second)).to.equal(true)
    const { code, message } = await refusalOf(codeFor(host.mfa, 'mira', KEYS))
    const [, seconds = ''] = /move the clock on by (\d+) seconds/.exec(message) ?? []
    expect([code, Number(seconds) > 0]).to.deep.equal(['options-invalid', true])
    host.clock.at += Number(seconds)
    expect(await isAccepted(await codeFor(host.mfa, 'mira', KEYS))).to.equal(true)
  })

  it('keeps to the window and the kind of code of the authenticator', async () => {
    await host.mfa.accounts.import('mira', {
      totp: [{ secret: SECRET, digits: 8, algorithm: 'SHA256', period: 60 }],
    })
    const parameters = {
      secret: SECRET,
      digits: 8,
      algorithm: 'SHA256',
      periodSeconds: 60,
    } as const
    const { message } = await refusalOf(codeFor(host.mfa, 'mira', KEYS))
    host.clock.at += Number(/by (\d+) seconds/.exec(message)?.[1])
    const code = await codeFor(host.mfa, 'mira', KEYS)
    expect(code).to.equal(totpCode(parameters, host.clock.at))
    expect(await isAccepted(code)).to.equal(true)
  })

  it('R35 needs the key that sealed the secret, and is not on the plugin', async () => {
    await enrolledPerson(host)
    const other = { encryptionKeys: [Buffer.alloc(32, 8)] }
    expect((await refusalOf(codeFor(host.mfa, 'mira', other))).code).to.equal('key-missing')
    const wrong = { encryptionKeys: ['short', ''] }
    const refusal = await refusalOf(codeFor(host.mfa, 'mira', wrong))
    expect(refusal.code).to.equal('options-invalid')
    expect(refusal.message).to.match(/^encryptionKeys: must be 32.*; encryptionKeys: is missing/)
    expect(JSON.stringify(Object.keys(host.mfa)).toLowerCase()).to.not.include('code')
  })

  it('says what is missing', async () => {
    expect((await refusalOf(codeFor(host.mfa, 'anna', KEYS))).message).to.include(
      'no authenticator',
    )
    const another: Mfa = { ...host.mfa }
    expect((await refusalOf(codeFor(another, 'mira', KEYS))).message).to.include('createMfa')
  })

  it('runs as its guide says', async () => {
    const blocks = examplesOf('docs/guides/test-your-application.md', 'js')
    expect(blocks).to.have.length(4)
    const [make, made, person, ask = ''] = blocks
    const [imported, ...rest] = ask.split('\n')
    await withFolder(async (folder) => {
      const { run } = await importCode<{ run: () => Promise<string[]> }>(
        [
          `import { openSqliteStorage } from 'oidc-provider-mfa/sqlite'`,
          imported,
          `const storage = openSqliteStorage({ path: ${JSON.stringify(join(folder, 'mfa.sqlite'))} })`,
          make,
          made,
          `export async function run() {\n${person}\n${rest.join('\n')}\nawait storage.close()\nreturn [code, clock.at]\n}`,
        ].join('\n'),
      )
      const [code, at] = await run()
      expect(code).to.equal(totpCode({ secret: SECRET }, Number(at) + 30))
    })
  })
})
