import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, importedCodes, totp } from '../../src/index.ts'
import { exported, registered } from '../factors/passkey/person.ts'
import { follow, showPassword, startHost, type Host } from '../plugin/host.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const CODES = ['7KQ4M-WXA9R-TDHN3', '2HD8C-WMXK4-RTQN7']

describe('passkeys of another application', () => {
  let host: Host
  let device: SoftAuthenticator
  let passkey: ReturnType<typeof exported>
  beforeEach(async () => {
    host = await startHost({
      hostname: 'localhost',
      mfa: { factors: [passkeys(), totp(), backupCodes(), importedCodes()] },
    })
    device = new SoftAuthenticator({ counter: 3 })
    passkey = exported(await registered(device))
  })
  afterEach(() => host.close())

  const take = (accountId: string, fields: object, options = {}) =>
    host.mfa.accounts.import(accountId, fields as Readonly<Record<string, unknown>>, options)
  const factorsOf = async (accountId: string) =>
    (await host.mfa.accounts.status(accountId)).factors.map(({ factor, name }) => [factor, name])

  it('sign in here, with the user handle of before', async () => {
    const name = 'Blue key'
    const outcome = await take('mira', { passkeys: [{ ...passkey, name }] })
    expect(outcome).to.deep.equal({ outcome: 'imported', factors: ['passkey'], warnings: [] })
    expect(await factorsOf('mira')).to.deep.equal([['passkey', name]])
    const browser = new HttpClient()
    const page = await showPassword(host, browser, 'mira')
    expect(page.name).to.equal('passkey-verify')
    const { origin } = new URL(host.issuer)
    const userHandle = Buffer.from('not the handle').toString('base64url')
    const wrong = device.get(optionsOf(page), { origin, userHandle })
    const refused = await browser.submit(page, { credential: wrong })
    expect(refused.status).to.equal(422)
    const credential = device.get(optionsOf(refused), { origin })
    const done = await browser.submit(refused, { credential })
    expect(done.status).to.equal(303)
    expect((await follow(host, browser, done)).status).to.be.below(400)
  })

  it('are imported beside an authenticator, and backup codes may stand in for a passkey alone', async () => {
    const both = { totp: SECRET, passkeys: JSON.stringify([passkey]), backupCodes: CODES }
    expect(await take('mira', both)).to.deep.include({
      factors: ['totp', 'passkey', 'imported-codes'],
      warnings: [],
    })
    const other = exported(await registered(new SoftAuthenticator()))
    const flag = { two_factor_enabled: true }
    const alone = { ...flag, passkeys: [other], backupCodes: CODES }
    expect(await take('noor', alone)).to.deep.include({
      factors: ['passkey', 'imported-codes'],
      warnings: [],
    })
  })

  it('are left out where the second factor was off', async () => {
    const off = { two_factor_enabled: false, passkeys: [passkey] }
    expect(await take('mira', off)).to.deep.include({ factors: [], warnings: ['not-enabled'] })
    expect(await factorsOf('mira')).to.deep.equal([])
  })

  const refusalOf = async (accountId: string, list: unknown, options = {}) => {
    const outcome = await take(accountId, { passkeys: list }, options)
    expect(await factorsOf(accountId)).to.deep.equal([])
    return outcome.outcome === 'refused' ? outcome.faults : outcome
  }

  it('are refused with the place and the member that is unfit, and nothing is stored', async () => {
    const bad = { ...passkey, publicKey: 'AAAA' }
    expect(await refusalOf('mira', [passkey, bad])).to.deep.equal([
      { field: 'passkeys[1].publicKey', code: 'authenticator-unfit' },
    ])
    expect(await refusalOf('mira', 'a text')).to.deep.equal([
      { field: 'passkeys[0].id', code: 'authenticator-unfit' },
    ])
    expect(await refusalOf('mira', 7)).to.deep.equal([
      { field: 'passkeys', code: 'authenticators-unreadable' },
    ])
    expect(await refusalOf('mira', [passkey, { ...passkey, counter: 9 }])).to.deep.equal([
      { field: 'passkeys[1]', code: 'authenticator-repeated' },
    ])
    const many = Array.from({ length: 21 }, () => passkey)
    expect(await refusalOf('mira', many)).to.deep.equal([{ field: 'passkeys', code: 'too-many' }])
  })

  it('are refused where another account has the id or the user handle, in a dry run too', async () => {
    await take('mira', { passkeys: [passkey] })
    const other = exported(await registered(new SoftAuthenticator()))
    const taken = [{ field: 'passkeys[0]', code: 'authenticator-taken' }]
    for (const dryRun of [true, false]) {
      const sameId = { ...other, id: passkey.id }
      expect(await refusalOf('noor', [sameId], { dryRun })).to.deep.equal(taken)
      const sameHandle = { ...other, userHandle: passkey.userHandle }
      expect(await refusalOf('noor', [sameHandle], { dryRun })).to.deep.equal(taken)
    }
    expect(await take('noor', { passkeys: [other] })).to.include({ outcome: 'imported' })
    expect(await take('mira', { passkeys: [passkey] })).to.deep.equal({ outcome: 'exists' })
  })

  it('R18 belong to one of two accounts that are imported with them at the same moment', async () => {
    const outcomes = await Promise.all(
      ['mira', 'noor', 'olga'].map((accountId) => take(accountId, { passkeys: [passkey] })),
    )
    const counts = outcomes.map(({ outcome }) => outcome).sort()
    expect(counts).to.deep.equal(['imported', 'refused', 'refused'])
  })
})
