import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { systemClock } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { createApp, type ServerApp } from '../../src/server/boot/app.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { sessionIdOf } from '../../src/server/accounts/live-sessions.ts'
import { openLog } from '../../src/server/observe/log.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  APP_CREDENTIALS,
  atTheApp,
  redeem,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
  type Person,
  type TestServer,
} from './support.ts'

const OWNER = { reason: 'owner' } as const
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const OFFLINE = { scope: 'openid offline_access', prompt: 'consent' }

describe('the live sessions of an account', () => {
  let server: TestServer
  let app: ServerApp
  let alice: Person & { id: string }
  let told: string[]
  /** Holds the next request that issues a code, after it has read its session and before it saves it. */
  let held: { readonly reached: Latch; readonly released: Latch } | undefined
  /** Runs once: after a request has read a grant, or before it stores one. */
  let meanwhile:
    { readonly at: 'find' | 'upsert'; readonly run: () => Promise<unknown> } | undefined
  let backChannel: Server

  beforeEach(async () => {
    told = []
    backChannel = createServer((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        told.push(new URLSearchParams(text).get('logout_token') ?? '')
      })
      request.on('end', () => response.writeHead(request.url === '/refuses' ? 500 : 200).end())
    }).listen(0, '127.0.0.1')
    await once(backChannel, 'listening')
    const at = `http://127.0.0.1:${(backChannel.address() as AddressInfo).port}`
    const clients = [
      {
        ...APP,
        first_party: true,
        backchannel_logout_uri: `${at}/app`,
        backchannel_logout_session_required: true,
      },
      {
        ...APP,
        client_id: 'other',
        client_name: 'The Other',
        backchannel_logout_uri: `${at}/refuses`,
      },
    ]
    held = undefined
    meanwhile = undefined
    server = await startServer({
      clients,
      storage: holdingCodes(memoryStorage({ clock: systemClock })),
    })
    alice = await addPerson(server)
    // A second server on the same storage stands for another node, and for the command line.
    const { storage, clock } = server
    const foundation = await layFoundation(server.config, { storage, clock })
    app = await createApp(foundation, { log: openLog('silent') })
  })
  afterEach(async () => {
    await stopServers()
    backChannel.close()
  })

  const runMeanwhile = async (at: 'find' | 'upsert'): Promise<void> => {
    if (meanwhile?.at !== at) return
    const { run } = meanwhile
    meanwhile = undefined
    await run()
  }
  const holdingCodes = (storage: ServerStorage): ServerStorage => ({
    ...storage,
    hostRecords: (model) => {
      const records = storage.hostRecords(model)
      if (model === 'Grant')
        return {
          ...records,
          async find(id) {
            const grant = await records.find(id)
            if (grant !== undefined) await runMeanwhile('find')
            return grant
          },
          async upsert(id, payload, expiresIn) {
            await runMeanwhile('upsert')
            await records.upsert(id, payload, expiresIn)
          },
        }
      if (model !== 'AuthorizationCode') return records
      return {
        ...records,
        async upsert(id, payload, expiresIn) {
          const hold = held
          hold?.reached.resolve()
          await hold?.released.promise
          await records.upsert(id, payload, expiresIn)
        },
      }
    },
  })

  const otherCredentials = APP_CREDENTIALS.replace(
    /Basic .*/,
    `Basic ${Buffer.from(
      Buffer.from(APP_CREDENTIALS.slice(6), 'base64').toString().replace(/^app:/, 'other:'),
    ).toString('base64')}`,
  )
  const redeemOther = (back: Parameters<typeof redeem>[1]) =>
    tokenRequest(
      server,
      {
        grant_type: 'authorization_code',
        code: back.location?.searchParams.get('code') ?? '',
        redirect_uri: 'https://app.example/callback',
        code_verifier: 'v'.repeat(43),
      },
      otherCredentials,
    )

  /** A browser in which the person has signed in to the app. */
  const signedIn = async (
    params: Readonly<Record<string, string>> = {},
    browser = new HttpClient(),
  ) => {
    server.clock.ahead += 60
    const back = await signIn(browser, server.authorize(params), alice, server)
    expect(back.location?.host).to.equal('app.example')
    return { browser, back }
  }
  const isSignedIn = async (browser: HttpClient): Promise<boolean> => {
    const back = await browser.visit(server.authorize({ prompt: 'none' }), atTheApp)
    return back.location?.searchParams.has('code') ?? false
  }
  const introspected = async (token: unknown): Promise<unknown> => {
    const response = await fetch(new URL('/token/introspection', server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({ token: String(token) }),
    })
    return response.json()
  }
  const userinfo = async (token: unknown): Promise<number> => {
    const headers = { authorization: `Bearer ${String(token)}` }
    return (await fetch(new URL('/me', server.url), { headers })).status
  }
  const audit = async (type: string) => server.storage.audit.list({ type, limit: 10 })

  it('R20 are listed with browser, network, times and apps, the last used first', async () => {
    const first = await signedIn({}, new HttpClient({ headers: { 'user-agent': FIREFOX } }))
    const since = server.clock.now()
    await signedIn({ client_id: 'other' })
    server.clock.ahead += 600
    expect(await isSignedIn(first.browser)).to.equal(true)
    const [one, two, ...others] = await app.sessions.list(alice.id)
    expect(others).to.deep.equal([])
    expect(one).to.deep.include({
      browser: { browser: 'Firefox', system: 'Linux' },
      network: '127.0.0.0/24',
      clientIds: ['app'],
    })
    expect(one?.firstAt).to.be.within(since - 5, since)
    expect(one?.lastAt).to.be.at.least(since + 600)
    expect(two?.clientIds).to.deep.equal(['other'])
    expect(two).not.to.have.property('browser')
    expect(await app.sessions.list('somebody else')).to.deep.equal([])
  })

  it('R20 one that is ended is dead: pages, codes, access tokens and refresh tokens, offline ones too', async () => {
    const { browser, back } = await signedIn(OFFLINE)
    const { body } = await redeem(server, back)
    const pending = await browser.visit(server.authorize(OFFLINE), atTheApp)
    const waiting = await browser.follow(await browser.submit(pending), atTheApp)
    const kept = await signedIn(OFFLINE)
    const { body: others } = await redeem(server, kept.back)
    const ended = (await app.sessions.list(alice.id)).at(-1)

    expect(await app.sessions.end(alice.id, ended?.id ?? '', OWNER)).to.equal(true)

    expect(await isSignedIn(browser)).to.equal(false)
    expect((await redeem(server, waiting)).body['error']).to.equal('invalid_grant')
    expect(await introspected(body['access_token'])).to.deep.equal({ active: false })
    expect(await introspected(body['refresh_token'])).to.deep.equal({ active: false })
    expect(await userinfo(body['access_token'])).to.equal(401)
    const refresh = (refresh_token: unknown) =>
      tokenRequest(server, {
        grant_type: 'refresh_token',
        refresh_token: String(refresh_token),
      })
    expect((await refresh(body['refresh_token'])).body['error']).to.equal('invalid_grant')

    expect(await isSignedIn(kept.browser)).to.equal(true)
    expect(await userinfo(others['access_token'])).to.equal(200)
    expect((await refresh(others['refresh_token'])).status).to.equal(200)
    expect(await app.sessions.list(alice.id)).to.have.length(1)
    expect(await app.sessions.end(alice.id, ended?.id ?? '', OWNER)).to.equal(false)
  })

  it('R19 R20 one that ends while a request is in flight gets the app nothing from that request', async () => {
    const { browser } = await signedIn()
    held = { reached: Promise.withResolvers(), released: Promise.withResolvers() }
    const asked = server.authorize({ client_id: 'other', ...OFFLINE })
    const inFlight = browser.submit(await browser.visit(asked, atTheApp))
    const answer = inFlight.then((page) => browser.follow(page, atTheApp))
    await held.reached.promise
    const [ending] = await app.sessions.list(alice.id)
    expect(await app.sessions.end(alice.id, ending?.id ?? '', OWNER)).to.equal(true)
    held.released.resolve()
    const back = await answer
    expect(back.location?.searchParams.get('code')).to.be.a('string')
    expect((await redeemOther(back)).body['error']).to.equal('invalid_grant')
    expect(await app.sessions.list(alice.id)).to.deep.equal([])
    expect(await isSignedIn(browser)).to.equal(false)
  })

  it('R20 all others end together, and the one that is kept goes on', async () => {
    const kept = await signedIn()
    const others = [await signedIn(), await signedIn(OFFLINE)]
    const [, , oldest] = await app.sessions.list(alice.id)
    expect(await app.sessions.endOthers(alice.id, oldest?.id, OWNER)).to.equal(2)
    expect(await isSignedIn(kept.browser)).to.equal(true)
    for (const { browser } of others) expect(await isSignedIn(browser)).to.equal(false)
    expect(await app.sessions.list(alice.id)).to.have.length(1)
    expect(await app.sessions.endOthers(alice.id, undefined, OWNER)).to.equal(1)
    expect(await isSignedIn(kept.browser)).to.equal(false)
  })

  it("R20 another account's session is not ended by its id", async () => {
    const { browser } = await signedIn()
    const mallory = await addPerson(server, { username: 'mallory' })
    const [hers] = await app.sessions.list(alice.id)
    expect(await app.sessions.end(mallory.id, hers?.id ?? '', OWNER)).to.equal(false)
    expect(await app.sessions.endOthers(mallory.id, undefined, OWNER)).to.equal(0)
    expect(await isSignedIn(browser)).to.equal(true)
  })

  it('R39 the name of one is neither its id nor its uid, and finds nothing', async () => {
    await signedIn()
    const [one] = await app.sessions.list(alice.id)
    const [stored] = await server.storage.accountRecords.list('Session', alice.id)
    expect(one?.id).to.equal(sessionIdOf(stored?.uid ?? ''))
    expect([stored?.uid, stored?.jti]).not.to.include(one?.id)
    expect(await server.storage.hostRecords('Session').findByUid(one?.id ?? '')).to.equal(undefined)
  })

  it('R20 an app is told of the end through its back channel, and one that refuses is recorded', async () => {
    await signedIn()
    const [ended] = await app.sessions.list(alice.id)
    await app.sessions.end(alice.id, ended?.id ?? '', OWNER)
    const claims = told.map((token) => decodeJwt(token))
    expect(claims).to.have.length(1)
    expect(claims[0]).to.deep.include({
      sub: alice.id,
      aud: 'app',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    expect(claims[0]?.['sid']).to.be.a('string')
    expect(await audit('sign-out-not-delivered')).to.deep.equal([])

    await signedIn({ client_id: 'other' })
    await app.sessions.endOthers(alice.id, undefined, OWNER)
    const [undelivered] = await audit('sign-out-not-delivered')
    expect(undelivered?.detail).to.deep.equal({ clientId: 'other', reason: 'refused' })
  })

  it('R47 the trail says whose session ended and who ended it', async () => {
    await signedIn()
    const by = { reason: 'administrator', ip: '203.0.113.7' } as const
    await app.sessions.endOthers(alice.id, undefined, by)
    const [entry] = await audit('session-ended')
    expect(entry).to.deep.include({ accountId: alice.id, detail: by })
  })

  it('R15 R20 neither a session past its time nor one of an earlier epoch is listed', async () => {
    await signedIn()
    await app.mfa.accounts.endEverything(alice.id, 'test')
    expect(await app.sessions.list(alice.id)).to.deep.equal([])
    await signedIn()
    expect(await app.sessions.list(alice.id)).to.have.length(1)
    expect(await app.apps.list(alice.id)).to.have.length(1)
    server.clock.ahead += 3601
    expect(await app.sessions.list(alice.id)).to.deep.equal([])
  })

  it('a browser in which another person signs in is a session of that person alone, from then on', async () => {
    const { browser } = await signedIn()
    await browser.submit(await browser.visit(new URL('/session/end', server.issuer)))
    const bob = await addPerson(server, { username: 'bob' })
    server.clock.ahead += 300
    const before = server.clock.now()
    await signIn(browser, server.authorize(), bob, server)
    expect(await app.sessions.list(alice.id)).to.deep.equal([])
    const [his] = await app.sessions.list(bob.id)
    expect(his?.firstAt).to.be.at.least(before)
  })

  describe('and the apps with access', () => {
    it('R20 are listed with their scopes, first-party ones too, without the account pages', async () => {
      await signedIn({ scope: 'openid email' })
      await signedIn({ client_id: 'other', scope: 'openid profile' })
      await new HttpClient().visit(new URL('/account', server.issuer))
      expect(
        (await app.apps.list(alice.id)).map(({ clientId, look, scopes }) => [
          clientId,
          look.name,
          scopes,
        ]),
      ).to.deep.equal([
        ['app', 'The App', ['email', 'openid']],
        ['other', 'The Other', ['openid', 'profile']],
      ])
      expect(await app.apps.list('somebody else')).to.deep.equal([])
    })

    it('R20 one that is revoked has no token left, and asks for consent again', async () => {
      const params = { client_id: 'other', ...OFFLINE }
      const { browser, back } = await signedIn(params)
      const { body } = await redeemOther(back)
      expect(body).to.have.property('refresh_token')
      const again = await browser.visit(server.authorize({ client_id: 'other' }), atTheApp)
      expect(again.location?.host, 'the consent is remembered').to.equal('app.example')

      expect(await app.apps.revoke(alice.id, 'other', OWNER)).to.equal(true)

      expect(await userinfo(body['access_token'])).to.equal(401)
      const refreshed = await tokenRequest(
        server,
        { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) },
        otherCredentials,
      )
      expect(refreshed.body['error']).to.equal('invalid_grant')
      expect(await app.apps.list(alice.id)).to.deep.equal([])
      const asked = await browser.visit(server.authorize({ client_id: 'other' }), atTheApp)
      expect(asked.name).to.equal('consent')
      expect((await audit('grant-revoked'))[0]).to.deep.include({
        accountId: alice.id,
        detail: { clientId: 'other', reason: 'owner' },
      })
      expect(await app.apps.revoke(alice.id, 'other', OWNER)).to.equal(false)
      expect(await audit('grant-revoked')).to.have.length(1)
    })

    describe('R18 R20 one that is revoked while an authorization is in flight', () => {
      const revokesMeanwhile = (clientId: string, at: 'find' | 'upsert'): void => {
        meanwhile = { at, run: () => app.apps.revoke(alice.id, clientId, OWNER) }
      }
      /** An authorization code is worth nothing, and the app is not listed. */
      const isGone = async (answer: Awaited<ReturnType<typeof redeem>>): Promise<void> => {
        expect(meanwhile, 'the access was revoked meanwhile').to.equal(undefined)
        expect(answer.body['error']).to.equal('invalid_grant')
        expect(await app.apps.list(alice.id)).to.deep.equal([])
      }

      it('that gives the app more comes back by no grant that is stored again', async () => {
        const { browser } = await signedIn({ scope: 'openid' })
        revokesMeanwhile('app', 'upsert')
        const back = await browser.visit(server.authorize({ scope: 'openid email' }), atTheApp)
        await isGone(await redeem(server, back))
      })

      it('comes back by no grant that is made of the remembered consent', async () => {
        const params = { client_id: 'other', ...OFFLINE }
        const { browser } = await signedIn(params)
        await app.sessions.endOthers(alice.id, undefined, OWNER)
        revokesMeanwhile('other', 'find')
        server.clock.ahead += 60
        const back = await signIn(
          browser,
          server.authorize({ client_id: 'other', scope: 'openid offline_access' }),
          alice,
          server,
        )
        await isGone(await redeemOther(back))
        const asked = await browser.visit(server.authorize({ client_id: 'other' }), atTheApp)
        expect(asked.name).to.equal('consent')
      })

      it('is asked for once more, if the consent is given at that moment', async () => {
        const params = { client_id: 'other', scope: 'openid' }
        const { browser } = await signedIn(params)
        const more = server.authorize({ client_id: 'other', scope: 'openid email' })
        const consent = await browser.visit(more, atTheApp)
        expect(consent.name).to.equal('consent')
        revokesMeanwhile('other', 'upsert')
        const again = await browser.follow(await browser.submit(consent), atTheApp)
        expect(again.name).to.equal('consent')
        expect(await app.apps.list(alice.id)).to.deep.equal([])
        const back = await browser.follow(await browser.submit(again), atTheApp)
        expect((await redeemOther(back)).body).to.have.property('access_token')
      })
    })

    it("R20 another account's access is not revoked", async () => {
      const { back } = await signedIn()
      const { body } = await redeem(server, back)
      const mallory = await addPerson(server, { username: 'mallory' })
      expect(await app.apps.revoke(mallory.id, 'app', OWNER)).to.equal(false)
      expect(await userinfo(body['access_token'])).to.equal(200)
    })
  })
})

type Latch = PromiseWithResolvers<void>
