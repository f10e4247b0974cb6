import { expect } from 'chai'
import type { FirstEnrolmentRule } from '../../src/domain/enrolment.ts'
import type { MfaError } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  showPassword,
  startHost,
  type Host,
} from '../plugin/host.ts'
import { signedInSessions } from '../plugin/recorded-storage.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const USERS: Readonly<Record<string, Record<string, unknown>>> = {
  mira: { two_factor_enabled: true, two_factor_secret: SECRET, name: 'Mira' },
  noor: { two_factor_enabled: true, two_factor_secret: SECRET, backup_codes: 7 },
}

/** The login page of this host runs the code of docs/guides/migrate-from-home-made-2fa.md. */
describe('a second factor that is taken over at the sign-in', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost({
      async answer({ mfa }, request, response, accountId) {
        const { two_factor_enabled, two_factor_secret, backup_codes } = USERS[accountId] ?? {}
        if (two_factor_enabled === true) {
          const fields = { two_factor_enabled, two_factor_secret, backup_codes }
          const taken = await mfa.accounts.import(accountId, fields)
          if (taken.outcome === 'refused') throw new Error('refused')
        }
        await mfa.interactionFinished(request, response, { login: { accountId } })
      },
    })
  })
  afterEach(() => host.close())

  it('R10 is asked for in that very sign-in, and in the next', async () => {
    for (let nth = 0; nth < 2; nth += 1) {
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, 'mira')
      expect(verify.name).to.equal('totp-verify')
      host.clock.at += 60
      const answer = await browser.submit(verify, {
        code: totpCode({ secret: SECRET }, host.clock.at),
      })
      expect(callbackOf(await follow(host, browser, answer)).get('code')).to.be.a('string')
    }
    const imported = host.events.filter(({ type }) => type === 'factor-imported')
    expect(imported).to.have.length(1)
  })

  it('R10 takes no document for somebody who had nothing', async () => {
    class Document {
      get two_factor_enabled(): boolean {
        return true
      }
    }
    for (const fields of [new Document(), undefined, null, 'x', []]) {
      const failure: unknown = await host.mfa.accounts
        .import('mira', fields as never)
        .catch((error: unknown) => error)
      expect((failure as MfaError).code).to.equal('options-invalid')
    }
    expect((await host.mfa.accounts.status('mira')).importedAt).to.equal(undefined)
    const bare = Object.assign(Object.create(null) as object, { ...USERS['mira'] })
    expect(await host.mfa.accounts.import('mira', bare)).to.include({
      outcome: 'imported',
    })
  })

  it('R10 signs nobody in where it cannot be read', async () => {
    const page = await showPassword(host, new HttpClient(), 'noor')
    expect(page.status).to.equal(500)
    expect(signedInSessions(host.writes)).to.deep.equal([])
    expect((await host.mfa.accounts.status('noor')).enrolled).to.equal(false)
  })
})

describe('backup codes that were taken over', () => {
  const CODES = ['aBcd-1234-efgh-5678', 'iJkl-9012-mnop-3456']
  let host: Host
  beforeEach(async () => {
    host = await startHost({ mfa: { manage: { clients: ['app'] } } })
    await host.mfa.accounts.import('mira', { totp: SECRET, backupCodes: CODES })
  })
  afterEach(() => host.close())

  /** Chooses the imported codes on the page with the other ways; returns the next page. */
  const choose = async (browser: HttpClient, verify: Page): Promise<Page> => {
    const ways = await browser.get(verify.link('[data-other-way]'))
    const chosen = await browser.submit(ways, {}, { button: 'imported-codes' })
    return follow(host, browser, chosen)
  }

  it('are asked for on a page of their own, and reach the app as a backup code', async () => {
    const browser = new HttpClient()
    const form = await choose(browser, await showPassword(host, browser, 'mira'))
    expect(form.name).to.equal('imported-codes-verify')
    expect(form.text).to.include('exactly as you saved it')
    expect((await browser.submit(form, { backupCode: 'abc' })).status).to.equal(400)
    expect((await browser.submit(form, { backupCode: 'abcd-1234-efgh-5678' })).status).to.equal(422)
    const low = await follow(
      host,
      browser,
      await browser.submit(form, { backupCode: CODES[0] ?? '' }),
    )
    expect(low.name).to.equal('backup-codes-low')
    const answer = await follow(host, browser, await browser.submit(low))
    expect(callbackOf(answer).get('code')).to.be.a('string')
  })

  it('R11 are made anew as backup codes, which the page counts them for, and not by themselves', async () => {
    const browser = new HttpClient()
    const refused = await browser.get(authorizeUrl(host, { mfa_action: 'renew:imported-codes' }))
    expect(callbackOf(refused).get('error')).to.equal('invalid_request')
    const verify = await showPassword(host, browser, 'mira', { mfa_action: 'renew:backup-codes' })
    host.clock.at += 60
    const code = totpCode({ secret: SECRET }, host.clock.at)
    const renew = await follow(host, browser, await browser.submit(verify, { code }))
    expect(renew.name).to.equal('factor-renew')
    expect(renew.text).to.include('You have 2 codes left')
    const fresh = await follow(host, browser, await browser.submit(renew))
    expect(fresh.name).to.equal('backup-codes')
    const { factors } = await host.mfa.accounts.status('mira')
    expect(factors.map(({ factor }) => factor)).to.deep.equal(['totp', 'backup-codes'])
  })
})

describe('a second factor that was on, and of which nothing that works came along', () => {
  const LOST = { two_factor_enabled: true, two_factor_secret: 'a ciphertext, no secret!' }
  let host: Host
  let rule: FirstEnrolmentRule
  beforeEach(async () => {
    rule = 'refused'
    host = await startHost({ mfa: { require: () => false, firstEnrolment: () => rule } })
  })
  afterEach(() => host.close())

  const signedIn = async (browser: HttpClient): Promise<boolean> => {
    const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
    return callbackOf(silent).has('code')
  }

  it('R10 lets nobody in with the password alone, though the policy requires none', async () => {
    await host.mfa.accounts.import('mira', LOST)
    const browser = new HttpClient()
    const refused = await showPassword(host, browser, 'mira')
    expect([refused.status, refused.name]).to.deep.equal([403, 'enrolment-refused'])
    expect(signedInSessions(host.writes)).to.deep.equal([])
    expect(await signedIn(browser)).to.equal(false)
    await host.mfa.accounts.import('noor', { two_factor_enabled: false })
    const other = new HttpClient()
    await showPassword(host, other, 'noor')
    expect(await signedIn(other)).to.equal(true)
  })

  it('R17 is asked for in a session of before as well', async () => {
    const browser = new HttpClient()
    await showPassword(host, browser, 'mira')
    expect(await signedIn(browser)).to.equal(true)
    await host.mfa.accounts.import('mira', LOST)
    expect(await signedIn(browser)).to.equal(false)
  })

  it('is set up at the next sign-in where there is a proof', async () => {
    await host.mfa.accounts.import('mira', LOST)
    rule = 'allowed'
    expect((await showPassword(host, new HttpClient(), 'mira')).name).to.equal('totp-enrol')
  })

  it('leaves it to the policy again after a reset', async () => {
    await host.mfa.accounts.import('mira', LOST)
    await host.mfa.accounts.reset('mira')
    const browser = new HttpClient()
    await showPassword(host, browser, 'mira')
    expect(await signedIn(browser)).to.equal(true)
  })
})
