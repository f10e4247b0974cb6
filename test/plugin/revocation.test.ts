import { expect } from 'chai'
import type { AdapterPayload, Configuration } from 'oidc-provider'
import { HttpClient, type Page } from '../support/http-client.ts'
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
import { enrol } from './enrol.ts'
import { introspect, refresh, userinfo } from './relying-party.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, uidOf, type Person } from './sign-in.ts'

const CHANGES: Readonly<Record<string, (host: Host) => Promise<unknown>>> = {
  'a changed password': ({ mfa }) => mfa.accounts.passwordChanged('mira'),
  'a reset': ({ mfa }) => mfa.accounts.reset('mira'),
  'the end of everything': ({ mfa }) => mfa.accounts.endEverything('mira', 'stolen laptop'),
}

for (const [name, storage] of Object.entries(STORAGES))
  for (const [change, raise] of Object.entries(CHANGES).slice(0, name === 'memory' ? 3 : 1))
    describe(`${change} (${name})`, () => {
      let host: Host
      let mira: Person
      let browser: HttpClient

      beforeEach(async () => {
        host = await startHost({ storage })
        mira = await enrolledPerson(host)
        browser = new HttpClient()
      })
      afterEach(async () => host.close())

      const visit = async (parameters: Record<string, string> = {}): Promise<Page> =>
        follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
      const expectSignedOut = async (): Promise<void> => {
        const silent = callbackOf(await visit({ prompt: 'none' }))
        expect(silent.get('error')).to.equal('login_required')
        expect((await visit()).name).to.equal('host-login')
      }

      it('R20 ends sessions', async () => {
        await signIn(host, browser, mira)
        expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
        await raise(host)
        await expectSignedOut()
      })

      it('R20 ends refresh tokens and access tokens, at userinfo and at introspection', async () => {
        const parameters = { scope: 'openid email offline_access', prompt: 'consent' }
        const consent = await signIn(host, browser, mira, parameters)
        const back = await follow(host, browser, await browser.submit(consent))
        const { tokens } = await redeem(host, callbackOf(back))
        const { access_token: access = '', refresh_token: offline = '' } = tokens
        expect((await userinfo(host, access)).json).to.include({ sub: 'mira' })
        expect((await introspect(host, access)).json).to.include({ active: true })
        expect((await introspect(host, offline)).json).to.include({ active: true })
        await raise(host)
        const { status, json } = await refresh(host, offline)
        expect([status, json.error]).to.deep.equal([400, 'invalid_grant'])
        expect((await userinfo(host, access)).status).to.equal(401)
        expect((await introspect(host, access)).json).to.deep.equal({ active: false })
        expect((await introspect(host, offline)).json).to.deep.equal({ active: false })
      })

      it('R20 ends authorization codes in flight', async () => {
        const callback = callbackOf(await signIn(host, browser, mira))
        await raise(host)
        const { status, tokens } = await redeem(host, callback)
        expect([status, tokens.error]).to.deep.equal([400, 'invalid_grant'])
      })

      it('R20 ends first factors that wait for the second', async () => {
        const verify = await showPassword(host, browser, 'mira')
        await raise(host)
        const late = await browser.submit(verify, { code: nextCode(host, mira) })
        expect([late.status, late.name]).to.deep.equal([410, 'expired'])
        const resume = new URL(`/auth/${uidOf(verify)}`, host.issuer)
        expect((await follow(host, browser, await browser.get(resume))).name).to.equal('host-login')
        await expectSignedOut()
      })

      it('R20 ends a password on its way to the second factor', async () => {
        const login = await visit()
        const answer = await browser.post(login.url, {
          username: 'mira',
          password: 'correct horse battery staple',
        })
        await raise(host)
        expect((await follow(host, browser, answer)).name).to.equal('host-login')
      })

      it('R20 ends a sign-in that was proved and not yet resumed', async () => {
        const verify = await showPassword(host, browser, 'mira')
        const proved = await browser.submit(verify, { code: nextCode(host, mira) })
        expect(proved.status).to.equal(303)
        host.writes.length = 0
        await raise(host)
        expect((await follow(host, browser, proved)).name).to.equal('host-login')
        expect(signedInSessions(host.writes)).to.deep.equal([])
        await expectSignedOut()
      })

      it('R20 ends a sign-in that waits for consent', async () => {
        const consent = await signIn(host, browser, mira, { prompt: 'consent' })
        await raise(host)
        const answer = await follow(host, browser, await browser.submit(consent))
        expect(answer.name).to.equal('host-login')
        await expectSignedOut()
      })

      it('R20 is not undone by a request in flight that writes its session back', async () => {
        await signIn(host, browser, mira)
        const session = signedInSessions(host.writes).at(-1)!
        await raise(host)
        await host.storage.hostRecords('Session').upsert(session.jti!, session, 3600)
        await expectSignedOut()
      })

      it('R20 is not undone by a grant that is saved again', async () => {
        const parameters = { scope: 'openid email offline_access', prompt: 'consent' }
        const consent = await signIn(host, browser, mira, parameters)
        const back = await follow(host, browser, await browser.submit(consent))
        const { tokens } = await redeem(host, callbackOf(back))
        const { value } = host.writes.findLast(({ deed }) => deed === 'Grant.upsert')!
        const grant = (await host.provider.Grant.find((value as AdapterPayload).jti!))!
        await raise(host)
        await grant.save()
        expect((await refresh(host, tokens.refresh_token!)).json.error).to.equal('invalid_grant')
      })

      it('R20 leaves other people alone', async () => {
        const noor = await enrolledPerson(host, 'noor')
        await signIn(host, browser, noor)
        await raise(host)
        expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
      })

      it('R20 lets its person sign in again, to a session that lives', async () => {
        await signIn(host, browser, mira)
        await raise(host)
        const { enrolled } = await host.mfa.accounts.status('mira')
        expect(enrolled).to.equal(change !== 'a reset')
        const back = enrolled
          ? await signIn(host, browser, mira)
          : (await enrol(host, browser, 'mira')).callback
        expect((await redeem(host, callbackOf(back))).status).to.equal(200)
        expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
      })
    })

describe('the epoch of an account', () => {
  let host: Host
  let mira: Person
  let browser: HttpClient
  const start = async (configuration: Partial<Configuration> = {}): Promise<void> => {
    host = await startHost({ configuration })
    mira = await enrolledPerson(host)
    browser = new HttpClient()
  }
  afterEach(async () => host.close())

  const silent = async (): Promise<URLSearchParams> =>
    callbackOf(await browser.get(authorizeUrl(host, { prompt: 'none' })))

  it('R20 counts by equality: a session of a later epoch is as dead as one of an earlier', async () => {
    await start()
    await signIn(host, browser, mira)
    const session = signedInSessions(host.writes).at(-1) as AdapterPayload & { mfaEpoch: number }
    for (const mfaEpoch of [session.mfaEpoch + 1, session.mfaEpoch - 1, undefined]) {
      const changed = { ...session, mfaEpoch } as AdapterPayload
      await host.storage.hostRecords('Session').upsert(session.jti!, changed, 3600)
      expect((await silent()).get('error'), String(mfaEpoch)).to.equal('login_required')
    }
    await host.storage.hostRecords('Session').upsert(session.jti!, session, 3600)
    expect((await silent()).get('code')).to.be.a('string')
  })

  it('R20 shows an application who is signed in, and nobody in a session that has ended', async () => {
    host = await startHost({ ownPage: '/who' })
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const who = async (): Promise<unknown> => (await browser.get(new URL('/who', host.issuer))).json
    expect(await who()).to.deep.equal({})
    await signIn(host, browser, mira)
    expect(await who()).to.deep.include({ accountId: 'mira', amr: ['pwd', 'otp', 'mfa'] })
    await host.mfa.accounts.endEverything('mira', 'stolen laptop')
    expect(await who()).to.deep.equal({})
    await signIn(host, browser, mira)
    host.clock.at += 86_400
    expect(await who(), 'a day later').to.deep.equal({})
  })

  it('R20 R42 takes no consent from a page of an ended session: it is asked for again', async () => {
    host = await startHost()
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const page = await signIn(host, browser, mira, { prompt: 'consent' })
    expect(page.name).to.equal('host-consent')
    await host.mfa.accounts.passwordChanged('mira')
    const login = await follow(host, browser, await browser.submit(page))
    expect(login.name).to.equal('host-login')
    const typed = { username: 'mira', password: PASSWORD }
    const verify = await follow(host, browser, await browser.submit(login, typed))
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    expect((await follow(host, browser, answer)).name).to.equal('host-consent')
  })

  it('R20 counts by equality for grants too', async () => {
    await start()
    const callback = callbackOf(await signIn(host, browser, mira))
    const { value, id } = host.writes.findLast(({ deed }) => deed === 'Grant.upsert')!
    const grant = value as AdapterPayload & { mfaEpoch: number }
    const changed = { ...grant, mfaEpoch: grant.mfaEpoch + 1 } as AdapterPayload
    await host.storage.hostRecords('Grant').upsert(id, changed, 3600)
    expect((await redeem(host, callback)).tokens.error).to.equal('invalid_grant')
  })

  it('R20 is the one at the start of a request: what it ends meanwhile is not revived by it', async () => {
    let arrived: () => void = () => undefined
    let go: Promise<void> = Promise.resolve()
    await start({
      /** Reads the grant of the request before, and makes a new grant for each request. */
      async loadExistingGrant(ctx) {
        const { client, session, provider } = ctx.oidc
        const before = session!.grantIdFor(client!.clientId)
        if (before !== undefined) await provider.Grant.find(before)
        arrived()
        await go
        const { clientId } = client!
        const grant = new provider.Grant({ clientId, accountId: session!.accountId! })
        grant.addOIDCScope('openid email')
        await grant.save()
        return grant
      },
    })
    await signIn(host, browser, mira)
    let release: () => void = () => undefined
    go = new Promise((done) => (release = done))
    const loading = new Promise<void>((done) => (arrived = done))
    const running = browser.get(authorizeUrl(host, { prompt: 'none' }))
    await loading
    await host.mfa.accounts.passwordChanged('mira')
    release()
    const { tokens } = await redeem(host, callbackOf(await running))
    expect(tokens.error).to.equal('invalid_grant')
    expect((await silent()).get('error')).to.equal('login_required')
  })

  it('R15 a session ends a day after its first factor, whatever was done in it', async () => {
    await start()
    await signIn(host, browser, mira)
    const began = host.clock.at - 30
    host.clock.at = began + 86_400 - 120
    const asked = await browser.get(authorizeUrl(host, { prompt: 'mfa' }))
    const stepUp = await follow(host, browser, asked)
    await follow(host, browser, await browser.submit(stepUp, { code: nextCode(host, mira) }))
    expect((await silent()).get('code')).to.be.a('string')
    host.clock.at = began + 86_400
    expect((await silent()).get('error')).to.equal('login_required')
  })

  it('R20 an account that is gone ends its session without an error of the server', async () => {
    let gone = false
    await start({
      async findAccount(_ctx, sub) {
        return gone ? undefined : { accountId: sub, claims: async () => ({ sub }) }
      },
    })
    await signIn(host, browser, mira)
    gone = true
    expect((await silent()).get('error')).to.equal('login_required')
    const page = await follow(host, browser, await browser.get(authorizeUrl(host)))
    expect(page.name).to.equal('host-login')
  })

  it('R20 an account that goes between the factors is not let in', async () => {
    let gone = false
    await start({
      async findAccount(_ctx, sub) {
        return gone ? undefined : { accountId: sub, claims: async () => ({ sub }) }
      },
    })
    const verify = await showPassword(host, browser, 'mira')
    gone = true
    const answer = await browser.submit(verify, { code: nextCode(host, mira) })
    expect((await follow(host, browser, answer)).name).to.equal('host-login')
    expect((await silent()).get('error')).to.equal('login_required')
  })
})
