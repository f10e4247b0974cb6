import { expect } from 'chai'
import { sessionIdOf } from '../../src/server/accounts/live-sessions.ts'
import { deedsOf, press as pressDeed } from '../support/account-forms.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
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

const OFFLINE = { scope: 'openid email offline_access', prompt: 'consent' }
const SIX_MINUTES = 360

describe('the account pages about sessions and apps', () => {
  let server: TestServer
  let alice: Person & { id: string }
  let browser: HttpClient
  afterEach(stopServers)

  beforeEach(async () => {
    server = await startServer({ clients: [{ ...APP, first_party: true }] })
    alice = await addPerson(server)
    browser = new HttpClient({
      headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0' },
    })
  })

  const at = (page: string): URL => new URL(`/account/${page}`, server.issuer)
  const later = (seconds = 60): void => void (server.clock.ahead += seconds)
  /** Opens an account page, and signs in for it where that is necessary. */
  const open = async (page: string, client = browser): Promise<Page> => {
    later()
    return signIn(client, at(page), alice, server)
  }
  const elsewhere = async () => {
    const client = new HttpClient()
    later()
    const back = await signIn(client, server.authorize(OFFLINE), alice, server)
    return { client, tokens: (await redeem(server, back)).body }
  }
  const press = async (page: Page, deed: string, client = browser): Promise<Page> =>
    client.follow(await pressDeed(client, page, deed))
  const isSignedIn = async (client: HttpClient): Promise<boolean> => {
    const back = await client.visit(server.authorize({ prompt: 'none' }), atTheApp)
    return back.location?.searchParams.has('code') ?? false
  }
  const refresh = (tokens: Readonly<Record<string, unknown>>) =>
    tokenRequest(server, {
      grant_type: 'refresh_token',
      refresh_token: String(tokens['refresh_token']),
    })
  const userinfo = async (tokens: Readonly<Record<string, unknown>>): Promise<number> => {
    const headers = { authorization: `Bearer ${String(tokens['access_token'])}` }
    return (await fetch(new URL('/me', server.url), { headers })).status
  }
  const introspected = async (tokens: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const response = await fetch(new URL('/token/introspection', server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({ token: String(tokens['access_token']) }),
    })
    return response.json()
  }
  /** The deed that ends a session other than this one. */
  const otherIn = (page: Page): string => {
    const [, other = ''] = deedsOf(page).filter((deed) => deed.startsWith('end-session:'))
    return other
  }

  it('R20 the overview leads to both, and a row of each has its own button', async () => {
    const { client } = await elsewhere()
    expect(await isSignedIn(client)).to.equal(true)
    later()
    const overview = await signIn(browser, new URL('/account', server.issuer), alice, server)
    const links = overview.tags('a').map(({ href }) => href)
    expect(links).to.include.members(['/account/sessions', '/account/apps'])
    const sessions = await browser.visit(at('sessions'))
    expect([sessions.status, sessions.name]).to.deep.equal([200, 'account-sessions'])
    expect(sessions.all('li')).to.have.length(2)
    expect(sessions.all('li button[data-do=end-session]')).to.have.length(2)
    expect(sessions.texts('li[data-current] h2')).to.deep.equal(['Firefox on Linux'])
    expect(sessions.texts('li')[1]).to.include('The App').and.include('127.0.0.0/24')
    const apps = await browser.visit(at('apps'))
    expect([apps.status, apps.name]).to.deep.equal([200, 'account-apps'])
    expect(deedsOf(apps)).to.deep.equal(['revoke-app:app'])
  })

  it('both are in the language that the person has chosen, and so is every other page', async () => {
    const gustav = await addPerson(server, { username: 'gustav', claims: { locale: 'de' } })
    const overview = await signIn(browser, new URL('/account', server.issuer), gustav, server)
    const hrefs = overview.tags('main a').map(({ href = '' }) => href)
    const pages = hrefs.filter((href) => href.startsWith('/account/'))
    expect(pages).to.include.members(['/account/sessions', '/account/apps'])
    for (const path of pages) {
      const page = await browser.visit(new URL(path, server.issuer))
      expect(page.body, path).to.include('<html lang="de"')
    }
  })

  it('R20 a session that is ended is dead: pages, token, userinfo, introspection and refresh', async () => {
    const { client, tokens } = await elsewhere()
    const theirs = await open('apps', client)
    expect(theirs.name).to.equal('account-apps')
    const page = await open('sessions')
    const after = await press(page, otherIn(page))
    expect([after.name, after.texts('[role=status]')]).to.deep.equal([
      'account-sessions',
      ['The session has ended.'],
    ])
    expect(after.all('li')).to.have.length(1)
    expect(deedsOf(after)).not.to.include('end-all')

    expect(await isSignedIn(client)).to.equal(false)
    expect((await client.visit(at('apps'))).name).to.equal('login')
    expect((await press(theirs, 'revoke-app:app', client)).name).to.equal('login')
    expect(await userinfo(tokens)).to.equal(401)
    expect(await introspected(tokens)).to.deep.equal({ active: false })
    expect((await refresh(tokens)).body['error']).to.equal('invalid_grant')
    expect((await browser.visit(at('sessions'))).name).to.equal('account-sessions')
  })

  it('R20 all others end at once, and this one goes on', async () => {
    const others = [await elsewhere(), await elsewhere()]
    const page = await open('sessions')
    const after = await press(page, 'end-all')
    expect(after.texts('[role=status]')).to.deep.equal(['All other sessions have ended.'])
    expect(after.all('li')).to.have.length(1)
    for (const { client } of others) expect(await isSignedIn(client)).to.equal(false)
  })

  it('R20 this session ends too, and the page says so', async () => {
    const page = await open('sessions')
    const [mine = ''] = deedsOf(page)
    expect((await press(page, mine)).name).to.equal('signed-out')
    expect(await isSignedIn(browser)).to.equal(false)
    expect((await browser.visit(at('sessions'))).name).to.equal('login')
  })

  it('R11 asks for a factor if the last one is more than five minutes old, and then does the deed', async () => {
    const { client } = await elsewhere()
    const page = await open('sessions')
    later(SIX_MINUTES)
    const asked = await press(page, otherIn(page))
    expect(asked.name).to.equal('totp-verify')
    expect(await isSignedIn(client)).to.equal(true)
    const code = totpCode({ secret: alice.secret ?? '' }, server.clock.now())
    const after = await browser.follow(await browser.submit(asked, { code }))
    expect([after.name, after.texts('[role=status]')]).to.deep.equal([
      'account-sessions',
      ['The session has ended.'],
    ])
    expect(await isSignedIn(client)).to.equal(false)
  })

  it('an app loses its access at once, without a factor', async () => {
    const { tokens } = await elsewhere()
    const page = await open('apps')
    later(SIX_MINUTES)
    const after = await press(page, 'revoke-app:app')
    expect(after.name).to.equal('account-apps')
    expect(after.texts('[role=status]')[0]).to.include('no access any more')
    expect(deedsOf(after)).to.deep.equal([])
    expect(await userinfo(tokens)).to.equal(401)
    expect((await refresh(tokens)).body['error']).to.equal('invalid_grant')
  })

  it("R20 another account's session and app stay, whatever ids are posted", async () => {
    const { client, tokens } = await elsewhere()
    const [hers] = await server.storage.accountRecords.list('Session', alice.id)
    const mallory = await addPerson(server, { username: 'mallory' })
    const thief = new HttpClient()
    const page = await signIn(thief, at('sessions'), mallory, server)
    const { csrf } = page.form().fields
    const ids = [sessionIdOf(hers?.uid ?? ''), hers?.uid ?? '', hers?.jti ?? '', '', '__proto__']
    for (const id of ids)
      for (const [where, deed] of [
        ['sessions', 'end-session'],
        ['apps', 'revoke-app'],
      ] as const)
        expect((await thief.post(at(where), { csrf: csrf ?? '', do: deed, id })).status).to.equal(
          303,
        )
    await thief.post(at('sessions'), { csrf: csrf ?? '', do: 'end-all', accountId: alice.id })
    expect(await isSignedIn(client)).to.equal(true)
    expect(await userinfo(tokens)).to.equal(200)
  })

  it('R30 refuses every form without, with a foreign and with a stale token, and from another site', async () => {
    const { client } = await elsewhere()
    const page = await open('sessions')
    const { csrf = '' } = page.form().fields
    const foreign = (await open('sessions', client)).form().fields['csrf'] ?? ''
    const deeds = [
      ['sessions', { do: 'end-all' }],
      ['sessions', { do: 'end-session', id: otherIn(page).slice('end-session:'.length) }],
      ['apps', { do: 'revoke-app', id: 'app' }],
    ] as const
    for (const [where, fields] of deeds) {
      for (const token of [{}, { csrf: foreign }, { csrf: csrf.slice(0, -2) }])
        expect((await browser.post(at(where), { ...fields, ...token })).status).to.equal(403)
      const headers = { origin: 'https://evil.example' }
      const crossed = await browser.post(at(where), { ...fields, csrf }, { headers })
      expect(crossed.status).to.equal(403)
    }
    expect(await isSignedIn(client)).to.equal(true)
    // The token of this session is worth nothing in the next one of the same browser.
    const [mine = ''] = deedsOf(page)
    await press(page, mine)
    await open('sessions')
    expect((await browser.post(at('sessions'), { csrf, do: 'end-all' })).status).to.equal(403)
    expect(await isSignedIn(client)).to.equal(true)
  })

  it('is in German for a German browser', async () => {
    browser = new HttpClient({ headers: { 'accept-language': 'de' } })
    await elsewhere()
    const page = await open('sessions')
    expect(page.texts('h1')).to.deep.equal(['Wo Sie angemeldet sind'])
    const after = await press(page, 'end-all')
    expect(after.texts('[role=status]')).to.deep.equal(['Alle anderen Sitzungen sind beendet.'])
  })
})
