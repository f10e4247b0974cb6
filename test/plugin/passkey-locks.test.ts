import { expect } from 'chai'
import { formatRecord } from '../../src/application/record-format.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { ownCode, totpCode } from '../support/totp.ts'
import { callbackOf, follow, PASSWORD, redeem, showPassword } from './host.ts'
import { startPasskeyHost, type PasskeyHost } from './passkey-host.ts'
import { uidOf } from './sign-in.ts'

describe('a passkey alone, while the account is locked', () => {
  let site: PasskeyHost
  let key: SoftAuthenticator
  let secret: string

  beforeEach(async () => {
    site = await startPasskeyHost({ manage: { clients: ['app'] } })
    key = new SoftAuthenticator({ origin: new URL(site.host.issuer).origin })
    await site.enrol('mira', key)
    secret = await addApp()
  })
  afterEach(async () => site.host.close())

  /** Adds an authenticator app, which is then the factor that was used last. */
  async function addApp(): Promise<string> {
    const own = new HttpClient()
    const verify = await showPassword(site.host, own, 'mira', { mfa_action: 'add:totp' })
    const setUp = await showKey(own, verify)
    const made = secretOf(setUp)
    const code = totpCode({ secret: made }, (site.host.clock.at += 30))
    await follow(site.host, own, await own.submit(setUp, { code }))
    site.host.clock.at += 60
    await site.host.mfa.settled()
    return made
  }
  async function showKey(client: HttpClient, page: Page): Promise<Page> {
    expect(page.name).to.equal('passkey-verify')
    const credential = key.get(optionsOf(page))
    return follow(site.host, client, await client.submit(page, { credential }))
  }
  /** Signs in with the passkey alone, in a browser that the account does not know. */
  async function alone(parameters: Record<string, string> = {}) {
    const { client, options, answer } = await site.open(parameters)
    const answered = await answer(key.get(options))
    expect(answered.status, answered.body).to.equal(303)
    return { client, page: await follow(site.host, client, answered) }
  }
  const claimsOf = async (page: Page): Promise<Record<string, unknown>> =>
    (await redeem(site.host, callbackOf(page))).claims
  const status = () => site.host.mfa.accounts.status('mira')
  async function change(decide: (record: MfaRecord) => MfaRecord): Promise<void> {
    await site.host.mfa.settled()
    const { records } = site.host.storage
    const { record, version } = (await records.load('mira'))!
    const changed = decide(record as unknown as MfaRecord)
    expect(await records.save('mira', formatRecord(changed), version)).to.equal(true)
  }

  describe('for ten wrong codes after a right password', () => {
    beforeEach(async () => {
      // Each wrong code in a browser of its own; the waits of the throttle are over.
      for (let nth = 0; nth < 10; nth += 1) {
        site.host.clock.at += 3_600
        const stranger = new HttpClient()
        const verify = await showPassword(site.host, stranger, 'mira')
        expect(verify.name).to.equal('totp-verify')
        const refused = await stranger.submit(verify, { code: wrongCode(nth) })
        expect(refused.status).to.equal(422)
      }
      expect((await status()).passwordSuspected).to.equal(true)
    })
    function wrongCode(nth: number): string {
      const near = Array.from({ length: 25 }, (_, step) =>
        ownCode({ secret }, site.host.clock.at + (step - 20) * 30),
      )
      const codes = Array.from({ length: 40 }, (_, value) => String(value).padStart(6, '0'))
      return codes.filter((code) => !near.includes(code))[nth]!
    }
    const shut = (page: Page): unknown[] => [page.status, page.name]

    it('R2 signs in, and leaves the suspicion', async () => {
      const { page } = await alone()
      expect((await claimsOf(page)).amr).to.deep.equal(['hwk', 'user', 'mfa'])
      expect((await status()).passwordSuspected).to.equal(true)
    })

    it('R2 is no way in for a password, with a code or with the passkey', async () => {
      const stranger = new HttpClient()
      const locked = await showPassword(site.host, stranger, 'mira')
      expect(shut(locked)).to.deep.equal([403, 'locked'])
      const passkey = new URL(`/mfa/${uidOf(locked)}/verify/passkey`, locked.url)
      expect(shut(await stranger.get(passkey))).to.deep.equal([403, 'locked'])
      // A sign-in that began with a passkey, and goes on with a password.
      const { client, page } = await site.open()
      const answered = await client.submit(page, { username: 'mira', password: PASSWORD })
      expect(shut(await follow(site.host, client, answered))).to.deep.equal([403, 'locked'])
    })

    it('R2 R11 shows the passkey once more where a change needs it', async () => {
      const { client, page } = await alone({ mfa_action: 'add:totp' })
      expect((await showKey(client, page)).name).to.equal('totp-enrol')
    })

    it('R1 R2 opens no code beside it', async () => {
      site.host.mfa.setPolicy({ rules: [{ name: 'code', when: {}, factors: ['totp'] }] })
      const { page } = await alone()
      expect(shut(page)).to.deep.equal([403, 'locked'])
    })
  })

  it('R44 signs in while the owner has locked the account, and ends the lock', async () => {
    await site.host.mfa.accounts.freeze('mira')
    expect((await status()).frozenAt).to.be.a('number')
    const { page } = await alone()
    expect((await claimsOf(page)).sub).to.equal('mira')
    expect((await status()).frozenAt).to.equal(undefined)
  })

  it('R44 ends no lock by a response that is refused', async () => {
    await site.host.mfa.accounts.freeze('mira')
    const { options, answer } = await site.open()
    const refused = await answer(key.get(options, { signature: Buffer.alloc(70, 1) }))
    expect(refused.status).to.equal(422)
    expect((await status()).frozenAt).to.be.a('number')
  })

  it('R1 signs in while the codes are disabled, and enables them', async () => {
    const { at } = site.host.clock
    await change((record) => ({
      ...record,
      throttle: {
        ...record.throttle,
        failedAt: Array.from({ length: 100 }, () => at),
        codesDisabledAt: at,
      },
    }))
    expect((await status()).codesDisabled).to.equal(true)
    const { options, answer } = await site.open()
    expect((await answer(key.get(options, { userVerified: false }))).status).to.equal(422)
    expect((await status()).codesDisabled).to.equal(true)
    const { page } = await alone()
    expect((await claimsOf(page)).sub).to.equal('mira')
    expect((await status()).codesDisabled).to.equal(false)
    const client = new HttpClient()
    const verify = await showPassword(site.host, client, 'mira')
    const chosen = verify.name === 'totp-verify' ? verify : await chooseCode(client, verify)
    const code = totpCode({ secret }, (site.host.clock.at += 30))
    expect((await client.submit(chosen, { code })).status).to.equal(303)
  })
  async function chooseCode(client: HttpClient, page: Page): Promise<Page> {
    const ways = await client.get(page.link('[data-other-way]'))
    return follow(site.host, client, await client.submit(ways, { factor: 'totp' }))
  }
})

describe('a passkey alone that the named account does not have', () => {
  let site: PasskeyHost
  beforeEach(async () => (site = await startPasskeyHost()))
  afterEach(async () => site.host.close())

  it('R46 R33 is refused in the interaction of a third person, with every id and handle, and after its removal', async () => {
    const people = ['mira', 'theo', 'cora'] as const
    const keys = Object.fromEntries(
      people.map((name) => [name, new SoftAuthenticator({ origin: site.host.issuer })]),
    ) as Record<(typeof people)[number], SoftAuthenticator>
    for (const name of people) await site.enrol(name, keys[name])
    const { mira, theo, cora } = keys
    const handles = { mira: mira.userHandle, theo: theo.userHandle, cora: cora.userHandle }
    expect(new Set(Object.values(handles)).size).to.equal(3)

    // Cora is signed in in this browser.
    const browser = new HttpClient()
    const first = await site.open({}, browser)
    const signedIn = await follow(site.host, browser, await first.answer(cora.get(first.options)))
    expect(callbackOf(signedIn).get('code')).to.be.a('string')
    for (const [signer, responseId, owner] of people.flatMap((one) =>
      people.flatMap((id) => people.map((named) => [one, id, named] as const)),
    )) {
      if (signer === responseId && signer === owner) continue
      const lies = { responseId: keys[responseId].credentialId, userHandle: handles[owner] }
      const { options, answer } = await site.open({ prompt: 'login' }, browser)
      const refused = await answer(keys[signer].get(options, lies))
      const what = `key of ${signer}, id of ${responseId}, handle of ${owner}`
      expect([refused.status, refused.name], what).to.deep.equal([422, 'sign-in-refused'])
    }

    await site.host.mfa.accounts.reset('mira')
    const { options, answer } = await site.open()
    const gone = await answer(mira.get(options))
    expect([gone.status, gone.name]).to.deep.equal([422, 'sign-in-refused'])
    const [form] = gone.tags('form[data-passkey-sign-in]')
    expect(form?.['data-passkey-unknown']).to.equal(mira.credentialId)
  })
})
