import { expect } from 'chai'
import type { AdapterPayload } from 'oidc-provider'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  PASSWORD,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { signedInSessions, STORAGES, storedSessions } from './recorded-storage.ts'
import {
  enrolledPerson,
  interactionCookies,
  nextCode,
  signIn,
  uidOf,
  type Person,
} from './sign-in.ts'

for (const [name, storage] of Object.entries(STORAGES))
  describe(`nothing before the last factor (${name})`, () => {
    let host: Host
    let mira: Person
    let browser: HttpClient

    beforeEach(async () => {
      host = await startHost({ storage })
      mira = await enrolledPerson(host)
      host.writes.length = 0
      browser = new HttpClient()
    })
    afterEach(async () => host.close())

    const visit = async (parameters: Record<string, string>): Promise<Page> =>
      follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
    const expectNobodySignedIn = async (): Promise<void> => {
      expect(signedInSessions(host.writes)).to.deep.equal([])
      for (const client_id of ['app', 'other']) {
        const silent = await visit({ prompt: 'none', client_id })
        expect(callbackOf(silent).get('error')).to.equal('login_required')
      }
    }
    const stored = (uid: string): Promise<AdapterPayload> =>
      host.storage.hostRecords('Interaction').find(uid) as Promise<AdapterPayload>
    const plant = async (uid: string, change: object): Promise<void> =>
      host.storage
        .hostRecords('Interaction')
        .upsert(uid, { ...(await stored(uid)), ...change }, 3600)

    it('R17 the password alone signs in nowhere, for no client', async () => {
      const verify = await showPassword(host, browser, 'mira')
      expect(verify.name).to.equal('totp-verify')
      await expectNobodySignedIn()
    })

    it('R17 the password alone signs in nobody who has still to enrol', async () => {
      const choose = await showPassword(host, browser, 'noor')
      expect(choose.name).to.equal('totp-enrol')
      await expectNobodySignedIn()
    })

    it('R17 a refused code signs in nobody', async () => {
      const verify = await showPassword(host, browser, 'mira')
      const refused = await browser.submit(verify, { code: '000000' })
      expect(refused.status).to.equal(422)
      await expectNobodySignedIn()
    })

    it('R17 the resume address of either step leads on only through the missing factor', async () => {
      const login = await visit({})
      const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
      const verify = await follow(host, browser, answer)
      const again = await follow(
        host,
        browser,
        await browser.get(new URL(`/auth/${uidOf(verify)}`, host.issuer)),
      )
      expect(again.name).to.equal('host-login')
      const first = await browser.get(answer.location!)
      expect(first.status).to.equal(400)
      await expectNobodySignedIn()
    })

    it('R17 a second tab asks for the password again', async () => {
      await showPassword(host, browser, 'mira')
      expect((await visit({})).name).to.equal('host-login')
      expect((await visit({ client_id: 'other' })).name).to.equal('host-login')
      await expectNobodySignedIn()
    })

    it('R17 the back button after the password leads to the missing factor at most', async () => {
      const login = await visit({})
      await browser.post(login.url, { username: 'mira', password: PASSWORD })
      const back = await browser.get(login.url)
      const answer = await browser.post(back.url, { username: 'mira', password: PASSWORD })
      expect((await follow(host, browser, answer)).name).to.equal('totp-verify')
      await expectNobodySignedIn()
    })

    it('R17 a sign-in that is finished is not finished twice by the back button', async () => {
      const verify = await showPassword(host, browser, 'mira')
      const code = nextCode(host, mira)
      await follow(host, browser, await browser.submit(verify, { code }))
      const sessions = signedInSessions(host.writes).length
      const thief = new HttpClient()
      const replayed = await thief.submit(verify, { code })
      expect(replayed.status).to.equal(410)
      const repeated = await browser.submit(verify, { code })
      expect(repeated.status).to.equal(410)
      expect(signedInSessions(host.writes)).to.have.length(sessions)
    })

    it('R17 a page of one interaction is not opened with the cookie of another', async () => {
      const verify = await showPassword(host, browser, 'mira')
      const other = new HttpClient()
      const own = await showPassword(host, other, 'noor')
      const cookie = interactionCookies(other, uidOf(own))
      const before = host.writes.length
      const code = nextCode(host, mira)
      for (const path of ['', '/choose', '/verify/totp', '/backup-codes', '/enrol/totp']) {
        const url = new URL(`/mfa/${uidOf(verify)}${path}`, host.issuer)
        expect((await other.get(url, { headers: { cookie } })).status, path).to.equal(410)
      }
      const posted = await other.submit(verify, { code }, { headers: { cookie } })
      expect(posted.status).to.equal(410)
      expect(host.writes).to.have.length(before)
      await expectNobodySignedIn()
    })

    it("R17 the owner's cookie opens nothing under another interaction's address", async () => {
      const verify = await showPassword(host, browser, 'mira')
      const second = await showPassword(host, browser, 'mira')
      const cookie = interactionCookies(browser, uidOf(verify))
      const crossed = await browser.submit(
        second,
        { code: nextCode(host, mira) },
        { headers: { cookie } },
      )
      expect(crossed.status).to.equal(410)
      await expectNobodySignedIn()
    })

    it('R17 an interaction begun as one person is not answered once another has signed in', async () => {
      const noor = await enrolledPerson(host, 'noor')
      await signIn(host, browser, mira)
      const stepUp = await visit({ prompt: 'mfa' })
      expect(stepUp.name).to.equal('totp-verify')
      const asked = await signIn(host, browser, noor, { prompt: 'login' })
      await follow(host, browser, await browser.submit(asked))
      host.writes.length = 0
      const late = await browser.submit(stepUp, { code: nextCode(host, mira) })
      expect(late.status).to.equal(410)
      expect(host.writes).to.deep.equal([])
    })

    it('R17 a login posted while the second factor is asked for is refused by name', async () => {
      const verify = await showPassword(host, browser, 'mira')
      const cookie = interactionCookies(browser, uidOf(verify))
      const posted = await browser.post(
        new URL(`/interaction/${uidOf(verify)}`, host.issuer),
        { username: 'noor', password: PASSWORD },
        { headers: { cookie } },
      )
      expect(posted.body).to.equal('wrong-prompt')
      await expectNobodySignedIn()
    })

    it('R17 a login result moved to another interaction signs in nobody', async () => {
      await signIn(host, new HttpClient(), mira)
      const login = host.writes
        .map(({ value }) => (value as { result?: { login?: object } } | undefined)?.result?.login)
        .findLast((found) => found !== undefined)
      expect(login).to.include({ accountId: 'mira' })
      host.writes.length = 0
      const page = await visit({})
      await plant(uidOf(page), { result: { login } })
      const resumed = await follow(
        host,
        browser,
        await browser.get(new URL(`/auth/${uidOf(page)}`, host.issuer)),
      )
      expect(resumed.name).to.equal('host-login')
      await expectNobodySignedIn()
    })

    it('R17 a login result that was made up, or changed, signs in nobody', async () => {
      // The two accounts have the same epoch, so that only the seal distinguishes their logins.
      await enrolledPerson(host, 'noor')
      host.writes.length = 0
      const verify = await showPassword(host, browser, 'mira')
      await browser.submit(verify, { code: nextCode(host, mira) })
      const uid = uidOf(verify)
      const { result } = (await stored(uid)) as { result?: { login: object } }
      await plant(uid, { result: { ...result, login: { ...result!.login, accountId: 'noor' } } })
      const resume = new URL(`/auth/${uid}`, host.issuer)
      expect((await follow(host, browser, await browser.get(resume))).name).to.equal('host-login')
      const page = await visit({})
      await plant(uidOf(page), { result: { login: { accountId: 'mira' } } })
      await browser.get(new URL(`/auth/${uidOf(page)}`, host.issuer))
      await expectNobodySignedIn()
    })

    it('R20 a login without a seal gives a session no epoch, by whatever way the host came to it', async () => {
      const { writes, provider } = host
      await signIn(host, browser, mira)
      const session = await provider.Session.find(signedInSessions(writes).at(-1)!.jti!)
      const ended = (login: object): void => {
        const entities = { Interaction: { cid: 'an-authorization' } }
        provider.emit('interaction.ended', { oidc: { entities, session, result: { login } } })
      }
      const before = { ...session }
      ended({ accountId: 'mira', acr: 'x', amr: ['pwd'], ts: 1, epoch: 99, seal: 'x'.repeat(43) })
      expect({ ...session }).to.deep.equal(before)
    })

    it('R17 the pages of the second factor belong to no other prompt', async () => {
      const login = await visit({})
      const atLogin = interactionCookies(browser, uidOf(login))
      await signIn(host, browser, mira)
      const consent = await visit({ prompt: 'consent' })
      const atConsent = interactionCookies(browser, uidOf(consent))
      for (const [page, cookie] of [
        [login, atLogin],
        [consent, atConsent],
      ] as const) {
        const url = new URL(`/mfa/${uidOf(page)}`, host.issuer)
        const shown = await browser.get(url, { headers: { cookie } })
        expect([shown.status, shown.name]).to.deep.equal([410, 'expired'])
      }
    })

    it("R17 a first factor moved from another's sign-in is none", async () => {
      const verify = await showPassword(host, new HttpClient(), 'mira')
      const { lastSubmission } = (await stored(uidOf(verify))) as { lastSubmission?: object }
      expect(lastSubmission).to.have.nested.property('firstFactor.accountId', 'mira')
      const page = await visit({})
      await plant(uidOf(page), { result: lastSubmission })
      const resume = new URL(`/auth/${uidOf(page)}`, host.issuer)
      expect((await follow(host, browser, await browser.get(resume))).name).to.equal('host-login')

      const own = await showPassword(host, browser, 'mallory')
      await plant(uidOf(own), { lastSubmission })
      expect((await browser.get(own.url)).status).to.equal(410)
      await expectNobodySignedIn()
    })

    it('R17 a first factor does not change its person', async () => {
      const own = await showPassword(host, browser, 'mallory')
      const uid = uidOf(own)
      const { lastSubmission } = (await stored(uid)) as {
        lastSubmission?: { firstFactor: object }
      }
      const firstFactor = { ...lastSubmission!.firstFactor, accountId: 'mira' }
      await plant(uid, { lastSubmission: { firstFactor }, result: { firstFactor } })
      expect((await browser.get(own.url)).status).to.equal(410)
      const resume = new URL(`/auth/${uid}`, host.issuer)
      expect((await follow(host, browser, await browser.get(resume))).name).to.equal('host-login')
      await expectNobodySignedIn()
    })

    it('R34 a first factor with a member of another shape is none, and the sign-in begins anew', async () => {
      for (const member of [
        { upstream: 7 },
        { upstream: { kinds: ['knowledge'], upstream: null } },
        { proofs: [null] },
        { proofs: [{ factor: null, upstream: 'x' }] },
        { alone: 'yes' },
      ]) {
        const own = await showPassword(host, browser, 'mallory')
        const uid = uidOf(own)
        const { lastSubmission } = (await stored(uid)) as {
          lastSubmission?: { firstFactor: object }
        }
        const firstFactor = { ...lastSubmission!.firstFactor, ...member }
        await plant(uid, { lastSubmission: { firstFactor }, result: { firstFactor } })
        const shown = await browser.get(own.url)
        expect([shown.status, shown.name], JSON.stringify(member)).to.deep.equal([410, 'expired'])
        const resume = new URL(`/auth/${uid}`, host.issuer)
        const again = await follow(host, browser, await browser.get(resume))
        expect([again.status, again.name]).to.deep.equal([200, 'host-login'])
      }
      await expectNobodySignedIn()
    })

    it('R17 the pages after the factor answer nobody who has not shown it', async () => {
      const verify = await showPassword(host, browser, 'mira')
      const at = (path: string): URL => new URL(`/mfa/${uidOf(verify)}/${path}`, host.issuer)
      const { csrf = '' } = verify.form().fields
      for (const path of ['backup-codes', 'backup-codes.txt', 'backup-codes-low'])
        expect((await browser.get(at(path))).status, `GET ${path}`).to.equal(410)
      for (const path of ['backup-codes', 'backup-codes-low', 'enrol/totp'])
        expect(
          (await browser.post(at(path), { csrf, saved: 'yes', code: '123456' })).status,
          `POST ${path}`,
        ).to.equal(410)
      await browser.get(new URL(`/auth/${uidOf(verify)}`, host.issuer))
      await expectNobodySignedIn()
    })

    it("R17 backup codes are shown in their own interaction's page alone", async () => {
      const setUp = await showPassword(host, browser, 'noor')
      const second = await showPassword(host, browser, 'noor')
      const secret = secretOf(setUp)
      const confirmed = await browser.submit(setUp, { code: totpCode({ secret }, host.clock.at) })
      expect(confirmed.location!.pathname).to.match(/backup-codes$/)
      for (const path of ['backup-codes', 'backup-codes.txt'])
        expect(
          (await browser.get(new URL(`/mfa/${uidOf(second)}/${path}`, host.issuer))).status,
        ).to.equal(410)
      const thief = new HttpClient()
      expect((await thief.get(confirmed.location!)).status).to.equal(410)
    })

    it('R19 sign-in gives the session a new id, so that a planted one is of no use', async () => {
      const planted = await browser.get(new URL('/session/end', host.issuer))
      expect(planted.status).to.equal(200)
      const [anonymous] = storedSessions(host.writes)
      await signIn(host, browser, mira)
      const signedIn = signedInSessions(host.writes).at(-1)
      expect(signedIn).to.include({ accountId: 'mira' })
      expect(signedIn!.jti).not.to.equal(anonymous!.jti)
      const sessions = host.storage.hostRecords('Session')
      expect(await sessions.find(anonymous!.jti!)).to.equal(undefined)
    })

    it('R19 step-up gives the session a new id and keeps the time of the password', async () => {
      const first = await redeem(host, callbackOf(await signIn(host, browser, mira)))
      const before = signedInSessions(host.writes).at(-1)!
      host.clock.at += 300
      const stepUp = await visit({ prompt: 'mfa' })
      const answer = await browser.submit(stepUp, { code: nextCode(host, mira) })
      const back = await redeem(host, callbackOf(await follow(host, browser, answer)))
      const after = signedInSessions(host.writes).at(-1)!
      expect(after.jti).not.to.equal(before.jti)
      expect(await host.storage.hostRecords('Session').find(before.jti!)).to.equal(undefined)
      expect(back.claims.auth_time).to.equal(first.claims.auth_time)
    })
  })
