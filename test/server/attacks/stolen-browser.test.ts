import { expect } from 'chai'
import type { MfaRecord } from '../../../src/domain/mfa-record.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { totpCode } from '../../support/totp.ts'
import { addPerson, atTheApp, PASSWORD, signIn, stopServers, type Person } from '../support.ts'
import { startRecorded, type OwnDeed, type RecordedServer } from './own-routes.ts'

/** Pages of a sign-in on which something is set up, changed or shown that belongs to the owner alone. */
const INNER_PAGES =
  /^(totp-enrol|backup-codes|factor-(remove|rename|renew)|recovery-bind|mfa-choose-enrol|consent)$/

describe('a thief', function () {
  this.timeout(180_000)
  let server: RecordedServer
  let alice: Person & { id: string }
  let browser: HttpClient

  before(async () => {
    server = await startRecorded()
    alice = await addPerson(server)
    browser = new HttpClient()
    await signIn(browser, server.authorize(), alice, server)
    // A factor that was bound a moment ago opens fewer doors.
    server.clock.ahead += 73 * 3600
  })
  after(stopServers)

  const at = (path: string): URL => new URL(path, server.issuer)
  const pathOf = ({ page }: OwnDeed): string => (page === '' ? '/account' : `/account/${page}`)
  /** Goes through the pages of a sign-in; each code is good once. */
  const enterCodes = async (visitor: HttpClient, start: Page): Promise<Page> => {
    let page = await visitor.follow(start, atTheApp)
    while (page.name === 'login' || page.name === 'totp-verify') {
      server.clock.ahead += 30
      const code = totpCode({ secret: alice.secret ?? '' }, server.clock.now())
      const fields = page.name === 'login' ? { username: 'alice', password: PASSWORD } : { code }
      page = await visitor.follow(await visitor.submit(page, fields), atTheApp)
    }
    return page
  }
  /** The owner signs in, and works with the account for longer than a factor counts as fresh. */
  const ownersPage = async (): Promise<Page> => {
    await enterCodes(browser, await browser.visit(at('/account'), atTheApp))
    server.clock.ahead += 301
    return browser.visit(at('/account'), atTheApp)
  }
  const thiefOf = (): HttpClient => new HttpClient({ jar: browser.jar.copy() })
  const record = async (): Promise<MfaRecord> =>
    (await server.storage.records.load(alice.id))?.record as unknown as MfaRecord
  /** Everything of the account that a thief may want to change, or could use later. */
  const stateOf = async (): Promise<string> => {
    const { epoch, authenticators, proofs, recovery, browsers, frozenAt, history } = await record()
    const account = await server.storage.accounts.byId(alice.id)
    return JSON.stringify([
      [epoch, authenticators, proofs, recovery, browsers, frozenAt, history],
      account,
    ])
  }
  /** The fields of all forms at once: each deed takes its own. */
  const fieldsFor = async ({ deed }: OwnDeed, csrf: string): Promise<Record<string, string>> => ({
    csrf,
    do: deed,
    id: (await record()).authenticators[0]?.id ?? '',
    factor: deed === 'renew' ? 'backup-codes' : 'totp',
    email: 'eve@evil.example',
    code: '12345678',
    currentPassword: PASSWORD,
    password: 'a password of the thief',
  })
  /** The authorization requests that a thief makes of the one that asks for the factor. */
  const VARIANTS: Readonly<Record<string, (asked: URLSearchParams) => void>> = {
    'without the change and the prompt': (asked) => {
      asked.delete('mfa_action')
      asked.delete('prompt')
    },
    'without a page': (asked) => asked.set('prompt', 'none'),
    'with a proof of another purpose': (asked) =>
      asked.set('mfa_action', `prove:nothing:${'A'.repeat(43)}`),
  }

  it('R11 who has a copy of the cookies makes no change that asks for a factor, whatever they leave out', async () => {
    const page = await ownersPage()
    const { csrf = '' } = page.form().fields
    const careful = server.deeds.filter(({ needs }) => needs !== 'session')
    expect(careful.length).to.be.greaterThan(10)
    const before = await stateOf()
    for (const deed of careful) {
      const fields = await fieldsFor(deed, csrf)
      for (const [variant, change] of Object.entries(VARIANTS)) {
        const thief = thiefOf()
        const about = `${deed.page} ${deed.deed} ${variant}`
        let asked = await thief.post(at(pathOf(deed)), fields)
        // A page that asks for the proof before it is shown leads to itself first.
        if (asked.location?.pathname !== '/auth') asked = await thief.get(asked.location!)
        expect(asked.location?.pathname, about).to.equal('/auth')
        const url = new URL(asked.location!)
        change(url.searchParams)
        const next = await thief.visit(url, atTheApp)
        // The form of a page that was opened without a proof is posted all the same.
        const again = await thief.follow(await thief.post(at(pathOf(deed)), fields), atTheApp)
        for (const { name, headers } of [next, again]) {
          expect(name ?? '', about).not.to.match(INNER_PAGES)
          expect(headers['content-disposition'], about).to.equal(undefined)
        }
        expect(await stateOf(), about).to.equal(before)
      }
    }
  })

  it('R17 who has a copy of the cookies skips no page of a change, at no address and with no form', async () => {
    for (const deed of server.deeds.filter(({ needs }) => needs === 'change')) {
      const { csrf: accountToken = '' } = (await ownersPage()).form().fields
      const before = await stateOf()
      const thief = thiefOf()
      const fields = await fieldsFor(deed, accountToken)
      const verify = await thief.follow(await thief.post(at('/account'), fields), atTheApp)
      await tryEveryPage(thief, verify, deed.deed)
      expect(await stateOf(), deed.deed).to.equal(before)
    }
  })

  /** Opens every page of a sign-in and posts every form of it, without a code, and goes on to the app after each. */
  const tryEveryPage = async (thief: HttpClient, verify: Page, about: string): Promise<void> => {
    // The only factor cannot be removed, which the page says at once.
    expect(verify.name, about).to.be.oneOf(['totp-verify', 'factor-remove-refused'])
    const { csrf = '' } = verify.form().fields
    const [, , uid = ''] = verify.url.pathname.split('/')
    for (const { method, path } of server.routes) {
      // These leave the sign-in, or ask for the first factor again.
      if (!path.startsWith('/mfa/:uid') || /\/(cancel|not-you|again|stay)$/.test(path)) continue
      const url = at(path.replace(':uid', uid).replace(':factor', 'totp'))
      const fields = { csrf, factor: 'totp', saved: 'yes', name: 'mine', do: 'cancel-recovery' }
      const answer = await (method === 'get' ? thief.get(url) : thief.post(url, fields))
      const next = await thief.follow(answer, atTheApp)
      const resumed = await thief.visit(at(`/auth/${uid}`), atTheApp)
      for (const page of [answer, next, resumed]) {
        expect(page.name ?? '', `${about} ${method} ${path}`).not.to.match(INNER_PAGES)
        expect(page.location?.searchParams.get('code') ?? '', `${about} ${path}`).to.equal('')
      }
    }
  }

  it('R17 who knows the password comes no further than the factor, at no address and with no form', async () => {
    await ownersPage()
    const before = await stateOf()
    const thief = new HttpClient()
    const login = await thief.visit(server.authorize(), atTheApp)
    const given = await thief.submit(login, { username: 'alice', password: PASSWORD })
    await tryEveryPage(thief, await thief.follow(given, atTheApp), 'password')
    for (const path of server.accountPaths) {
      const page = await thief.visit(at(path), atTheApp)
      expect(page.name, path).to.be.oneOf(['login', 'totp-verify'])
    }
    for (const params of [
      { prompt: 'none' },
      { prompt: 'none', acr_values: 'urn:oidc-provider-mfa:password' },
      { prompt: 'none', max_age: '86400' },
    ]) {
      const { location } = await thief.visit(server.authorize(params), atTheApp)
      expect(location?.searchParams.get('error')).to.equal('login_required')
    }
    expect(await stateOf()).to.equal(before)
  })

  it('R41 who shares the session changes nothing with a proof that the owner was lured to give', async () => {
    const owners = await ownersPage()
    const { csrf = '' } = owners.form().fields
    const thief = thiefOf()
    const lure = (await thief.get(at('/account/email'))).location!
    // In their own browser the thief leaves the change out, and gets the page of the change before it is proved.
    const own = new URL(lure)
    own.searchParams.delete('mfa_action')
    await thief.visit(own, atTheApp)
    await enterCodes(browser, await browser.visit(lure, atTheApp))
    const fields = { csrf, do: 'change-email', email: 'eve@evil.example' }
    const answer = await thief.follow(await thief.post(at('/account/email'), fields), atTheApp)
    // The login page has an empty one for a passkey.
    expect(answer.texts('[role=status]').join('')).to.equal('')
    expect(answer.name).to.be.oneOf(['totp-verify', 'login'])
  })
})
