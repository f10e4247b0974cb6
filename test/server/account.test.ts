import { expect } from 'chai'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { deedsOf, press as pressDeed } from '../support/account-forms.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { clientsOf, layFoundation, signingKeysOf } from '../../src/server/boot/foundation.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import {
  addPerson,
  APP,
  atTheApp,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
  type Person,
  type TestServer,
} from './support.ts'

describe('the account page', () => {
  let server: TestServer
  let browser: HttpClient
  let alice: Person & { id: string }
  afterEach(stopServers)

  const begin = async (options: Parameters<typeof startServer>[0] = {}): Promise<void> => {
    server = await startServer(options)
    browser = new HttpClient()
    alice = await addPerson(server)
  }
  const account = (): URL => new URL('/account', server.issuer)
  const later = (): void => void (server.clock.ahead += 30)
  const code = (secret = alice.secret ?? ''): string => totpCode({ secret }, server.clock.now())
  /** Signs in, sets up an authenticator app and backup codes, and opens the account page. */
  const arrive = async (options: Parameters<typeof startServer>[0] = {}): Promise<Page> => {
    await begin(options)
    await signIn(browser, account(), alice, server)
    later()
    return browser.visit(account())
  }
  const press = async (page: Page, button: string | RegExp): Promise<Page> =>
    browser.follow(await browser.submit(page, {}, { button }))
  /** Presses the button of the account page for a change such as `add:totp` or `remove:ID`. */
  const choose = async (page: Page, change: string): Promise<Page> =>
    browser.follow(await pressDeed(browser, page, change))
  const type = async (page: Page, values: Readonly<Record<string, string>>): Promise<Page> =>
    browser.follow(await browser.submit(page, values))
  /** Presses the button of a change and types a fresh code, which the change needs. */
  const prove = async (page: Page, change: string): Promise<Page> => {
    const verify = await choose(page, change)
    expect(verify.name).to.equal('totp-verify')
    later()
    return type(verify, { code: code() })
  }
  const add = async (page: Page): Promise<{ page: Page; secret: string }> => {
    const setUp = await prove(page, 'add:totp')
    const secret = secretOf(setUp)
    return { secret, page: await type(setUp, { code: code(secret), name: 'Tablet' }) }
  }
  const buttons = (page: Page): string[] =>
    deedsOf(page).map((deed) => deed.replace(/:[\w-]{16}$/, ':ID'))
  /** The address to which the account page sends the browser when the page's session has expired. */
  const beginAgain = async (client: HttpClient): Promise<URL> => {
    server.clock.ahead += 15 * 60
    return (await client.get(account())).location!
  }
  const cookies = () => browser.jar.all().filter(({ key }) => key.startsWith('mfa_account'))

  it('asks every visitor to sign in with both factors, and shows their factors', async () => {
    await begin()
    const first = await browser.visit(account())
    expect(first.name).to.equal('login')
    const page = await signIn(browser, account(), alice, server)
    expect([page.status, page.name, page.url.pathname]).to.deep.equal([200, 'account', '/account'])
    expect(page.text).to.include('alice').and.include('phone').and.include('10 codes left')
    expect(buttons(page)).to.deep.equal([
      'rename:ID',
      'replace:ID',
      'add:passkey',
      'add:totp',
      'renew:backup-codes',
      'lock',
    ])
    expect(page.body).not.to.include(alice.secret)
  })

  it('is the service itself, which nobody goes on to; an app may bear its name and is an app', async () => {
    await begin({
      clients: [{ ...APP, client_name: 'Acme' }],
      settings: { service: { name: 'Acme' } },
    })
    const login = await browser.visit(account())
    const factor = await type(login, { username: alice.username, password: alice.password })
    expect([login.name, factor.name]).to.deep.equal(['login', 'mfa-choose'])
    expect(login.text + factor.text).to.not.include('Continue to ')
    const app = await new HttpClient().visit(server.authorize(), atTheApp)
    expect(app.text).to.include('Continue to Acme')
  })

  it('R30 has the headers of every page', async () => {
    const { headers } = await arrive()
    expect(headers['content-security-policy'])
      .to.include("default-src 'none'")
      .and.match(/form-action 'self'$/)
    expect(headers).to.include({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' })
  })

  it('R11 adds an authenticator after a fresh code, and comes back to the list', async () => {
    const before = await arrive()
    const { page, secret } = await add(before)
    expect(page.name).to.equal('account')
    expect(page.text).to.include('Tablet')
    expect(buttons(page)).to.deep.equal([
      'sign-out-elsewhere',
      'rename:ID',
      'replace:ID',
      'remove:ID',
      'rename:ID',
      'replace:ID',
      'remove:ID',
      'add:passkey',
      'add:totp',
      'renew:backup-codes',
      'lock',
    ])
    const elsewhere = new HttpClient()
    later()
    const back = await signIn(elsewhere, server.authorize(), { ...alice, secret }, server)
    expect(atTheApp(back.location ?? back.url) || back.name === 'consent').to.equal(true)
  })

  it('R20 goes on in every other browser after a factor was added, until its button ends them', async () => {
    await begin()
    const other = new HttpClient()
    await signIn(other, account(), alice, server)
    later()
    const page = await signIn(browser, account(), alice, server)
    expect((await other.visit(account())).name).to.equal('account')
    later()
    const { page: added } = await add(page)
    expect(added.text).to.include('A second step was added.').and.include('you still are')
    expect((await other.visit(account())).name).to.equal('account')
    expect(buttons(await browser.visit(account()))).not.to.include('sign-out-elsewhere')
    const alone = await choose(added, 'sign-out-elsewhere')
    expect(alone.name).to.equal('account')
    expect(alone.texts('[role=status]')).to.deep.equal(['You are signed out everywhere else.'])
    expect((await other.visit(account())).name).to.equal('login')
    expect((await browser.visit(account())).name).to.equal('account')
  })

  it('R8 R11 makes new backup codes', async () => {
    const renew = await prove(await arrive(), 'renew:backup-codes')
    expect(renew.name).to.equal('factor-renew')
    const shown = await press(renew, /Make/)
    expect(shown.name).to.equal('backup-codes')
    const fresh = backupCodesOf(shown)
    expect(new Set([...fresh, ...(alice.codes ?? [])]).size).to.equal(20)
    const page = await type(shown, { saved: 'yes' })
    expect([page.name, page.text.includes('10 codes left')]).to.deep.equal(['account', true])
  })

  it('R11 removes and renames', async () => {
    const { page, secret } = await add(await arrive())
    const [phone = '', tablet = ''] = deedsOf(page).filter((deed) => deed.startsWith('remove:'))
    expect(page.tags('[data-do=remove]').map((each) => each.class)).to.deep.equal([
      'link destroys',
      'link destroys',
    ])
    alice.secret = secret
    later()
    const asked = await prove(page, phone)
    expect(asked.name).to.equal('factor-remove')
    const left = await press(asked, /Remove/)
    expect(left.name).to.equal('account')
    expect(left.text).to.include('Tablet').and.not.include('phone')
    expect(buttons(left)).not.to.include('remove:ID')
    const named = await choose(left, tablet.replace('remove', 'rename'))
    expect(named.name).to.equal('factor-rename')
    const renamed = await type(named, { name: 'Slate' })
    expect(renamed.text).to.include('Slate').and.not.include('Tablet')
  })

  it('goes back to the list when the person turns back, and changes nothing', async () => {
    const page = await arrive()
    const verify = await choose(page, 'renew:backup-codes')
    const back = await browser.follow(
      await browser.submit(verify, {}, { form: '[action$="/cancel"]' }),
    )
    expect([back.name, back.url.pathname]).to.deep.equal(['account', '/account'])
  })

  it('lets a person who cancels at the password go, and does not ask again', async () => {
    await begin()
    const login = await browser.visit(account())
    const back = await browser.follow(
      await browser.submit(login, {}, { form: '[action$="/cancel"]' }),
    )
    expect([back.status, back.name]).to.deep.equal([200, 'account-closed'])
    expect(await browser.visit(back.link('a.button'))).to.have.property('name', 'login')
  })

  it('R20 is over with the session of the sign-in', async () => {
    const page = await arrive()
    const logout = await browser.visit(page.link('[data-sign-out]'))
    expect(logout.name).to.equal('logout')
    expect((await press(logout, 'yes')).name).to.equal('signed-out')
    expect((await browser.visit(account())).name).to.equal('login')
  })

  for (const [what, end] of Object.entries({
    'a changed password': async () =>
      serverMfa(await layFoundation(server.config, { storage: server.storage })) //
        .accounts.passwordChanged(alice.id),
    'a reset': async () =>
      serverMfa(await layFoundation(server.config, { storage: server.storage })) //
        .accounts.reset(alice.id),
  }))
    it(`R20 is over at once after ${what}`, async () => {
      await arrive()
      await end()
      expect((await browser.visit(account())).name).to.equal('login')
    })

  it('asks the provider again after a quarter of an hour, without a page while the session lasts', async () => {
    await arrive()
    server.clock.ahead += 15 * 60
    const page = await browser.get(account())
    expect(page.location?.pathname).to.equal('/auth')
    expect((await browser.follow(page)).name).to.equal('account')
  })

  it('R30 takes its form from its own page alone, of this session', async () => {
    const page = await arrive()
    const { csrf = '' } = page.form().fields
    const add = { do: 'add', factor: 'totp' }
    const post = async (fields: Record<string, string>, headers = {}) =>
      browser.post(account(), fields, { headers })
    for (const forged of [
      await post(add),
      await post({ ...add, csrf: 'x' }),
      await post({ ...add, csrf }, { origin: 'https://evil.example' }),
    ])
      expect([forged.status, forged.name]).to.deep.equal([403, 'forbidden'])
    for (const change of [
      {},
      { do: 'reset', id: 'all' },
      { do: 'constructor' },
      { do: 'add', factor: '../x' },
      { do: 'add', factor: 'totp&prompt=none' },
      { do: 'remove' },
    ])
      expect((await post({ ...change, csrf })).status, JSON.stringify(change)).to.equal(400)
    const stranger = new HttpClient()
    const answer = await stranger.post(account(), { csrf })
    expect([answer.status, answer.location?.pathname]).to.deep.equal([303, '/account'])
  })

  it('R30 keeps what it keeps in a sealed cookie of this host alone, behind a proxy too', async () => {
    await begin({ environment: { ISSUER: 'https://id.example', TRUSTED_PROXIES: '127.0.0.1' } })
    const origins = { 'https://id.example': { url: server.url } }
    browser = new HttpClient({ origins })
    const page = await signIn(browser, account(), alice, server)
    expect([page.name, page.url.href]).to.deep.equal(['account', 'https://id.example/account'])
    const kept = browser.jar.all().filter(({ key }) => key.includes('mfa_account'))
    expect(kept.map(({ key, path }) => [key, path])).to.deep.equal([['__Host-mfa_account', '/']])
    expect(decodeURIComponent(kept[0]?.value ?? '')).not.to.include(alice.id)
    const again = await new HttpClient({ origins }).get(account())
    const [begun = ''] = [again.headers['set-cookie'] ?? []].flat()
    expect(begun)
      .to.match(/^__Secure-mfa_account_sign_in=/)
      .and.match(/; Path=\/account;.*HttpOnly; SameSite=Lax; Secure$/)
  })

  it('R17 lets nobody in with an answer that was not asked for in this browser', async () => {
    await begin()
    const atCallback = (url: URL): boolean => url.pathname === '/account/callback'
    const eve = await addPerson(server, { username: 'eve' })
    const thief = new HttpClient()
    await signIn(thief, account(), eve, server)
    const answer = await thief.visit(await beginAgain(thief), atCallback)
    const planted = answer.location ?? answer.url
    expect([...planted.searchParams.keys()]).to.include('code')
    expect((await browser.visit(planted)).name).to.equal('account-closed')
    expect(cookies()).to.deep.equal([])
    // The answer is also refused in a browser that waits for the answer to a request of its own.
    await browser.visit(account())
    expect((await browser.visit(planted)).name).to.equal('account-closed')
  })

  it('a cookie that was made up, or is of the other kind, is none', async () => {
    await arrive()
    const [session] = cookies()
    for (const value of ['x', `${session!.value.slice(0, -2)}xx`]) {
      const other = new HttpClient()
      const page = await other.get(account(), { headers: { cookie: `mfa_account=${value}` } })
      expect(page.location?.pathname).to.equal('/auth')
    }
    const as = { headers: { cookie: `mfa_account_sign_in=${session!.value}` } }
    const callback = new URL('/account/callback?code=x&state=undefined', server.issuer)
    expect((await new HttpClient().get(callback, as)).name).to.equal('account-closed')
  })

  it('lets people turn the second factor on where it is optional', async () => {
    const mfa = { required: 'optional', firstEnrolment: 'password' }
    await begin({ settings: { mfa } })
    const none = await signIn(browser, account(), alice, server)
    expect([none.name, buttons(none)]).to.deep.equal([
      'account',
      ['add:passkey', 'add:totp', 'lock'],
    ])
    const asked = await choose(none, 'add:totp')
    const page = await signIn(browser, asked.url, alice, server)
    expect([page.name, buttons(page)]).to.deep.equal([
      'account',
      ['rename:ID', 'replace:ID', 'add:passkey', 'add:totp', 'renew:backup-codes', 'lock'],
    ])
  })

  it('R10 takes more than a password for that, once somebody has signed in', async () => {
    await begin({ settings: { mfa: { required: 'optional' } } })
    const page = await choose(await signIn(browser, account(), alice, server), 'add:totp')
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
  })

  it('R10 R11 asks for the password again where the session is no longer fresh', async () => {
    const mfa = { required: 'optional', firstEnrolment: 'password' }
    await begin({ settings: { mfa } })
    const none = await signIn(browser, account(), alice, server)
    server.clock.ahead += 601
    expect((await choose(none, 'add:totp')).name).to.equal('login')
  })

  it('R32 says that it is away while the storage is', async () => {
    await arrive()
    const away = async () => Promise.reject(new MfaError('storage-unavailable', 'away'))
    Object.assign(server.storage.accounts, { byId: away })
    const page = await browser.visit(account())
    expect([page.status, page.name]).to.deep.equal([503, 'unavailable'])
  })

  describe('as a client', () => {
    const RESERVED = { client: 'account', field: 'client_id' }
    const registryOf = async () => {
      const foundation = await layFoundation(server.config, { storage: server.storage })
      return clientsOf(foundation, await signingKeysOf(foundation))
    }

    it('is not listed, and nobody takes its id', async () => {
      await begin()
      const registry = await registryOf()
      expect((await registry.list()).map(({ client_id: id }) => id)).to.deep.equal(['app'])
      const applied = await registry.apply([{ ...APP, client_id: 'account' }])
      expect(applied.ok).to.equal(false)
      expect(applied.ok ? [] : applied.faults).to.deep.include({
        ...RESERVED,
        problem: 'is that of a part of the server: choose another',
      })
    })

    it('is named as a fault in CLIENTS_FILE', async () => {
      const refused: unknown = await startServer({ clients: [{ ...APP, client_id: 'account' }] }) //
        .catch((error: unknown) => error)
      expect(String(refused)).to.include('account: client_id is that of a part of the server')
    })

    it('is not taken over by one that is in the storage', async () => {
      await begin()
      await server.storage.clients.put('account', { ...APP, client_id: 'account' })
      expect(await (await registryOf()).find('account')).to.equal(undefined)
      expect((await new HttpClient().visit(account())).name).to.equal('login')
    })

    it('R11 is the only one that may ask for a change', async () => {
      await arrive()
      const page = await browser.get(server.authorize({ mfa_action: 'add' }))
      expect(page.location?.searchParams.get('error')).to.equal('invalid_request')
    })

    it('gives its codes to nobody without its secret', async () => {
      await begin()
      const answer = await tokenRequest(
        server,
        { grant_type: 'authorization_code', code: 'x', client_id: 'account' },
        '',
      )
      expect(answer.status).to.be.oneOf([400, 401])
      expect(answer.body['error']).to.equal('invalid_client')
    })
  })
})
