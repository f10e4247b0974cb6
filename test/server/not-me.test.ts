import { expect } from 'chai'
import type { ServerMfa } from '../../src/server/boot/mfa.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { setUpLinksOf } from '../../src/server/pages/links.ts'
import { PostOffice } from '../journeys/post-office.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

describe('"this was not me" in the server', () => {
  let post: PostOffice
  let server: TestServer
  let link: string
  let setUpLink: string

  beforeEach(async () => {
    post = new PostOffice()
    await post.open()
    server = await startServer({ environment: { SMTP_URL: post.url } })
    const { id } = await addPerson(server)
    const foundation = await layFoundation(server.config, server)
    const mfa = serverMfa(foundation)
    link = mfa.notMeUrl(id, { issuer: server.issuer })
    const { account } = (await server.storage.accounts.byId(id))!
    setUpLink = (await setUpLinksOf(foundation, mfa).make(account, 'invitation')).url
  })
  afterEach(async () => {
    await stopServers()
    await post.close()
  })

  const lock = async (): Promise<void> => {
    const browser = new HttpClient()
    const done = await browser.follow(await browser.submit(await browser.get(link)))
    expect([done.status, done.name]).to.deep.equal([200, 'not-me-done'])
  }

  it('R44 makes links void that were given out before', async () => {
    const browser = new HttpClient()
    const page = await browser.get(new URL('/password/forgotten', server.issuer))
    await browser.submit(page, { username: 'alice' })
    const { text } = await post.next('alice@example.com')
    const resetLink = /^https?:\S+\/password\/reset\/\S+$/m.exec(text)?.[0] ?? ''
    for (const each of [resetLink, setUpLink])
      expect((await browser.get(each)).status, each).to.equal(200)
    await lock()
    for (const each of [resetLink, setUpLink])
      expect((await browser.get(each)).status, each).to.equal(410)
  })

  it('R31 R47 is in the audit trail, and its link is in no log', async () => {
    await lock()
    const trail = await server.storage.audit.list({ type: 'account-locked-by-owner', limit: 9 })
    expect(trail).to.have.length(1)
    expect(trail[0]?.detail).to.include.keys('ip')
    const token = link.slice(link.lastIndexOf('/') + 1)
    const logged = server.lines.join('\n')
    expect(logged).to.contain('/mfa/not-me/')
    for (const part of [token, token.split('.').at(-1) ?? '']) expect(logged).not.to.contain(part)
  })

  it('leads on to the sign-in of the account page', async () => {
    const page = await new HttpClient().get(new URL('/mfa/not-me/done', server.issuer))
    expect(page.link('.actions a').href).to.equal(`${server.issuer}/account`)
  })
})

describe('"this was not me" on an account without a second step', () => {
  let post: PostOffice
  let server: TestServer
  let mfa: ServerMfa
  let alice: Awaited<ReturnType<typeof addPerson>>

  const logIn = (browser: HttpClient, page: Page): Promise<Page> =>
    browser.submit(page, { username: alice.username, password: alice.password })
  /** Signs in to a page of the account with the password alone. */
  const open = async (browser: HttpClient, path = '/account'): Promise<Page> => {
    const page = await browser.visit(new URL(path, server.issuer), atTheApp)
    if (page.name !== 'login') return page
    return browser.follow(await logIn(browser, page), atTheApp)
  }
  const start = async (settings: object = {}): Promise<void> => {
    post = new PostOffice()
    await post.open()
    server = await startServer({
      environment: { SMTP_URL: post.url },
      settings: { mfa: { required: 'optional', ...settings } },
    })
    alice = await addPerson(server)
    // The account is older than the time in which its password alone sets up a first factor.
    server.clock.ahead = 30 * 86_400
    mfa = serverMfa(await layFoundation(server.config, server))
    const browser = new HttpClient()
    const link = mfa.notMeUrl(alice.id, { issuer: server.issuer })
    await browser.submit(await browser.get(link))
  }
  afterEach(async () => {
    await stopServers()
    await post.close()
  })
  const frozen = async (): Promise<boolean> =>
    (await mfa.accounts.status(alice.id)).frozenAt !== undefined

  it('R44 changes no password and no address on the password alone, and says what ends the lock', async () => {
    await start()
    const browser = new HttpClient()
    const overview = await open(browser)
    expect(overview.texts('[data-locked]')).to.have.length(1)
    const { csrf = '' } = overview.form().fields
    for (const [path, deed, fields] of [
      [
        'password',
        'change-password',
        { currentPassword: alice.password, password: 'new and long' },
      ],
      ['email', 'change-email', { email: 'eve@evil.example' }],
      ['addresses', 'add-address', { email: 'eve@evil.example' }],
    ] as const) {
      const page = await open(browser, `/account/${path}`)
      expect([page.status, page.name]).to.deep.equal([403, `account-${path}`])
      expect(page.alert).to.contain('set one up')
      expect(page.all('main form')).to.have.length(0)
      const at = new URL(`/account/${path}`, server.issuer)
      const forced = await browser.post(at, { csrf, do: deed, ...fields })
      const answer = await (forced.status === 303 ? open(browser, String(forced.location)) : forced)
      expect([answer.status, answer.name]).to.deep.equal([403, `account-${path}`])
    }
    await server.stop()
    expect(post.waiting('eve@evil.example')).to.equal(0)
    expect((await server.storage.accounts.byId(alice.id))?.account).to.include({
      email: 'alice@example.com',
      passwordOrigin: 'administrator',
    })
    expect(await frozen()).to.equal(true)
  })

  it('R44 ends when the owner sets up a second step with a code mailed to the address', async () => {
    await start()
    const browser = new HttpClient()
    const overview = await open(browser)
    const button = { form: 'form:has([value=totp]):has([data-do=add])', button: 'add:totp' }
    let page = await browser.follow(await browser.submit(overview, {}, button), atTheApp)
    if (page.name === 'login') page = await browser.follow(await logIn(browser, page), atTheApp)
    expect(page.name).to.equal('owner-proof')
    const send = { form: '[action$="/proof/send"]' }
    page = await browser.follow(await browser.submit(page, {}, send), atTheApp)
    let code: string | undefined
    while (code === undefined)
      code = /^ +(\d{8})\s*$/m.exec((await post.next('alice@example.com')).text)?.[1]
    page = await browser.follow(await browser.submit(page, { code }), atTheApp)
    expect(page.name).to.equal('totp-enrol')
    expect(await frozen()).to.equal(true)
    await signIn(browser, new URL(page.url), alice, server)
    expect(await frozen()).to.equal(false)
    expect((await mfa.accounts.doors(alice.id)).password.open).to.equal(true)
  })

  it('R10 R44 sets up no second step on the password alone, whatever the settings', async () => {
    await start({ firstEnrolment: 'password' })
    const browser = new HttpClient()
    const button = { form: 'form:has([value=totp]):has([data-do=add])', button: 'add:totp' }
    const overview = await open(browser)
    let page = await browser.follow(await browser.submit(overview, {}, button), atTheApp)
    if (page.name === 'login') page = await browser.follow(await logIn(browser, page), atTheApp)
    expect([page.status, page.name]).to.deep.equal([403, 'enrolment-refused'])
    await mfa.accounts.reset(alice.id)
    expect(await frozen()).to.equal(false)
  })
})
