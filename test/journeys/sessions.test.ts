import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MULTI_FACTOR } from '../../src/server/demonstration/provider.ts'
import {
  clientMetadata,
  startRelyingParty,
  type RelyingParty,
} from '../../src/server/demonstration/relying-party.ts'
import { freePorts, type Credentials } from './server.ts'
import { setStage, type Stage } from './stage.ts'
import type { Visitor } from './visitor.ts'

/** Starts a second app, which belongs to the service (`first_party`), and registers it at the command line. */
async function openLedger({ server }: Stage): Promise<RelyingParty> {
  const [port = 0] = await freePorts(1)
  const client = { clientId: 'ledger', clientSecret: 'the secret of the ledger, long enough' }
  const ledger = await startRelyingParty({
    ...client,
    issuer: server.issuer,
    port,
    now: () => Math.floor(Date.now() / 1000),
    // Browsers do not separate cookies by port: on localhost this app would share the cookies of the demonstration.
    publicUrl: `http://127.0.0.1:${port}`,
  })
  const metadata = { ...clientMetadata({ ...client, url: ledger.url }), first_party: true }
  writeFileSync(join(server.folder, 'ledger.json'), JSON.stringify([metadata]))
  await server.command(['client', 'apply', 'ledger.json'])
  return ledger
}

/** The URL of an authorization request as the demonstration app sends it, with additional parameters. */
function request({ server }: Stage, more: Readonly<Record<string, string>>): string {
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
  const query = new URLSearchParams({
    client_id: 'fieldnotes',
    response_type: 'code',
    scope: 'openid profile email',
    redirect_uri: `${server.app}/callback`,
    state: 'by-hand',
    nonce: 'by-hand',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  })
  return `${server.issuer}/auth?${query}`
}

/** The paths of the provider's pages that open while `deed` runs. */
async function pagesOf(visitor: Visitor, deed: () => Promise<unknown>): Promise<string[]> {
  const pages: string[] = []
  const note = (response: { url(): string; status(): number }): void => {
    const { origin, pathname } = new URL(response.url())
    const isPage = origin === visitor.server.issuer && response.status() === 200
    if (isPage && !pathname.includes('/assets/')) pages.push(pathname)
  }
  visitor.page.on('response', note)
  await deed()
  visitor.page.off('response', note)
  return pages
}

describe('a session', function () {
  const stage = setStage(this)
  let ledger: RelyingParty | undefined
  let people = 0

  before(async () => {
    ledger = await openLedger(stage)
  })
  after(async () => ledger?.close())

  async function arriveSignedIn(): Promise<{ visitor: Visitor; person: Credentials }> {
    const person = await stage.server.addPerson(`person-${(people += 1)}`)
    const visitor = await stage.arrive()
    await visitor.enrolAt(stage.server.app, person)
    return { visitor, person }
  }

  async function signOut(visitor: Visitor): Promise<void> {
    await visitor.visit(stage.server.app)
    await visitor.press('form[action="/sign-out"] button')
    await visitor.see('logout')
    await visitor.press()
  }

  it('signs in to a second app without a page', async () => {
    const { visitor } = await arriveSignedIn()
    const subject = await visitor.claim('sub')
    const time = await visitor.claim('auth_time')
    const pages = await pagesOf(visitor, () => visitor.askToSignIn(ledger?.url))
    expect(pages).to.deep.equal([])
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('aud')).to.equal('ledger')
    expect(await visitor.claim('sub')).to.equal(subject)
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR)
    expect(await visitor.claim('auth_time')).to.equal(time)
  })

  it('asks no consent for an app of the service itself, and once for any other', async () => {
    const person = await stage.server.addPerson('consents')
    const visitor = await stage.arrive()
    await visitor.askToSignIn(ledger?.url)
    await visitor.typePassword(person)
    await visitor.setUp()
    expect(await visitor.at()).to.equal('rp-signed-in')

    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('consent')
    expect(await visitor.page.locator('main').innerText()).to.match(/email/)
    await visitor.press('[data-refuse]')
    expect(await visitor.at()).to.equal('rp-error')
    expect(await visitor.page.locator('[data-error]').innerText()).to.equal('access_denied')

    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('consent')
    await visitor.press()
    expect(await visitor.at()).to.equal('rp-signed-in')
    const pages = await pagesOf(visitor, () => visitor.press('a[href="/step-up"]'))
    expect(pages).to.deep.equal([])
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('ends at every app when one signs out, and the next sign-in asks again', async () => {
    const { visitor } = await arriveSignedIn()
    await visitor.askToSignIn(ledger?.url)
    await signOut(visitor)
    await visitor.see('rp-home', 'signed-out')
    expect(await visitor.page.locator('[role=status]').innerText()).to.match(/signed out/)

    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('login')
    // The provider has told this app by back-channel logout.
    await visitor.visit(ledger?.url ?? '')
    expect(await visitor.at()).to.equal('rp-home')
  })

  it('can be ended at the provider itself, which says so, or kept', async () => {
    const { visitor } = await arriveSignedIn()
    await visitor.visit(`${stage.server.issuer}/session/end`)
    await visitor.see('logout')
    await visitor.press('[data-refuse]')
    await visitor.see('still-signed-in')
    await visitor.press('main a.button')
    await visitor.see('home')
    await visitor.press('main a.button')
    expect(await visitor.at()).to.equal('account')
    await visitor.askToSignIn(ledger?.url)
    expect(await visitor.at()).to.equal('rp-signed-in')

    await visitor.visit(`${stage.server.issuer}/session/end`)
    await visitor.press()
    await visitor.see('signed-out')
    await visitor.press('main a.button')
    expect(await visitor.at()).to.equal('home')
    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('login')
  })

  it('R25 prompt=none shows no page: before, in the middle of and after a sign-in', async () => {
    const person = await stage.server.addPerson('silent')
    const visitor = await stage.arrive()
    const ask = async (): Promise<URLSearchParams> => {
      const tab = await visitor.context.newPage()
      const answered = tab.waitForRequest((each) => each.url().includes('/callback?'))
      const response = await tab.goto(request(stage, { prompt: 'none' }))
      expect(new URL(response?.url() ?? '').origin).to.equal(stage.server.app)
      const { searchParams } = new URL((await answered).url())
      await tab.close()
      return searchParams
    }
    expect((await ask()).get('error')).to.equal('login_required')
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    expect((await ask()).get('error')).to.equal('login_required')
    await visitor.scan()
    await visitor.typeCode(visitor.code())
    expect((await ask()).get('error')).to.equal('login_required')
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    expect((await ask()).get('error')).to.be.oneOf(['consent_required', 'interaction_required'])
    await visitor.allow()
    expect((await ask()).get('code')).to.match(/./)
  })

  it('asks before somebody else takes the browser over', async () => {
    const { visitor } = await arriveSignedIn()
    const other = await stage.server.addPerson('somebody-else')
    await visitor.visit(request(stage, { prompt: 'login' }))
    expect(await visitor.at()).to.equal('login')
    await visitor.typePassword(other)
    await visitor.setUp()
    await visitor.see('switch-account')
    expect(await visitor.page.locator('main').innerText()).to.contain('somebody-else')
    await visitor.press()
    await visitor.allow()
    await visitor.askToSignIn(ledger?.url)
    expect(await visitor.page.locator('main').innerText()).to.contain('somebody-else')
  })

  it('stays with the person who declines that', async () => {
    const { visitor } = await arriveSignedIn()
    const before = await visitor.claim('sub')
    const other = await stage.server.addPerson('guest')
    await visitor.visit(request(stage, { prompt: 'login' }))
    await visitor.typePassword(other)
    await visitor.setUp()
    expect(await visitor.at()).to.equal('switch-account')
    await visitor.press('[data-refuse]')
    // This app asks for a new sign-in, so the session alone does not answer it.
    expect(await visitor.at()).to.equal('login')
    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('sub')).to.equal(before)
  })

  it('R15 is over after an hour without use', async () => {
    const { visitor } = await arriveSignedIn()
    await stage.server.later(3500)
    const pages = await pagesOf(visitor, () => visitor.press('a[href="/step-up"]'))
    expect(pages).to.deep.equal([])
    await stage.server.later(3700)
    await visitor.press('a[href="/step-up"]')
    expect(await visitor.at()).to.equal('login')
  })
})

describe('where a second factor is optional', function () {
  const stage = setStage(this, (folder) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ mfa: { required: 'optional' } }))
    return { CONFIG_FILE: 'config.json' }
  })

  it('the password alone signs in at its own level, and the app can ask for more', async () => {
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    await visitor.typePassword(stage.server.demonstration)
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal('urn:oidc-provider-mfa:password')
    expect(await visitor.claim('amr')).to.equal('pwd')
    const time = await visitor.claim('auth_time')

    await visitor.press('a[href="/step-up"]')
    await visitor.see('mfa-choose', 'step-up')
    await visitor.press('[data-factor=totp]')
    await visitor.see('totp-enrol', 'step-up')
    await visitor.setUp()
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR)
    expect(await visitor.claim('amr')).to.equal('pwd otp mfa')
    expect(await visitor.claim('auth_time')).to.equal(time)
  })
})
