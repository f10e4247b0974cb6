import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/index.ts'
import {
  addPerson,
  APP,
  PASSWORD,
  startServer,
  stopServers,
  type TestServer,
} from '../server/support.ts'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { freePort } from '../support/mongodb.ts'
import { miss } from '../support/requirements.ts'
import { totpCode } from '../support/totp.ts'
import { Apache } from './apache.ts'

const CLIENT = { client_id: 'apache', client_secret: 'a-secret-of-this-test-that-is-long-enough' }

/** The directives of an administrator: every page needs a sign-in, and one of them the second level. */
function siteOf(issuer: string, url: string): string {
  return `
    OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
    OIDCClientID ${CLIENT.client_id}
    OIDCClientSecret ${CLIENT.client_secret}
    OIDCRedirectURI ${url}/callback
    OIDCCryptoPassphrase a-passphrase-of-this-test
    OIDCPKCEMethod S256
    OIDCScope "openid"
    OIDCSessionType client-cookie
    <Location />
      AuthType openid-connect
      Require valid-user
      Header set X-Claims "%{OIDC_CLAIM_sub}e %{OIDC_CLAIM_acr}e"
    </Location>
    <Location /transfer.html>
      Require claim "acr:${MULTI_FACTOR_ACR}"
      OIDCUnAutzAction auth
      OIDCPathAuthRequestParams acr_values=${encodeURIComponent(MULTI_FACTOR_ACR)}
    </Location>`
}

describe('mod_auth_openidc of Apache, an unmodified relying party', function () {
  this.timeout(30_000)
  let apache: Apache
  let server: TestServer
  let alice: { id: string; username: string }
  let secret: string

  before(async function () {
    if (!Apache.isInstalled) miss(this, 'mod-auth-openidc')
    apache = new Apache(await freePort())
    server = await startServer({
      settings: { mfa: { required: 'optional', firstEnrolment: 'password' } },
      clients: [
        { ...APP, ...CLIENT, redirect_uris: [`${apache.url}/callback`], first_party: true },
      ],
    })
    alice = await addPerson(server)
    await apache.start(siteOf(server.issuer, apache.url))
  })
  after(async () => {
    await apache?.stop()
    await stopServers()
  })

  const signIn = async (browser: HttpClient, page: Page): Promise<Page> => {
    expect(page.name, page.body).to.equal('login')
    const { username } = alice
    return browser.follow(await browser.submit(page, { username, password: PASSWORD }))
  }
  /** The name of a page of Apache, with the `acr` that it has from the ID token. */
  const shown = (page: Page): unknown[] => {
    const [sub, acr] = String(page.headers['x-claims']).split(' ')
    expect(sub, `${page.url.href} ${page.body}\n${apache.log}`).to.equal(alice.id)
    return [page.status, page.name, acr]
  }

  /** Apache sends a person who is signed in to the provider by a page that a browser leaves at once. */
  const refreshOf = (page: Page): URL => {
    const [, address] =
      /url=(.*)/.exec(page.tags('meta[http-equiv=refresh]')[0]?.['content'] ?? '') ?? []
    return new URL(address ?? '', page.url)
  }

  it('signs a person in, and steps up for the page that asks for an acr', async () => {
    const browser = new HttpClient()
    const first = await signIn(browser, await browser.visit(`${apache.url}/`))
    expect(shown(first)).to.deep.equal([200, 'apache-index', PASSWORD_ACR])

    const asked = refreshOf(await browser.get(`${apache.url}/transfer.html`))
    expect(asked.searchParams.get('acr_values')).to.equal(MULTI_FACTOR_ACR)
    const offer = await browser.visit(asked)
    expect(offer.name, offer.body).to.equal('mfa-offer')
    const choose = await browser.follow(await browser.submit(offer, { answer: 'set-up' }))
    const setUp = await browser.follow(await browser.submit(choose, { factor: 'totp' }))
    secret = secretOf(setUp)
    const code = totpCode({ secret }, server.clock.now())
    const codes = await browser.follow(await browser.submit(setUp, { code, name: 'phone' }))
    expect(backupCodesOf(codes)).to.have.length(10)
    const back = await browser.follow(await browser.submit(codes, { saved: 'yes' }))
    expect(shown(back)).to.deep.equal([200, 'apache-transfer', MULTI_FACTOR_ACR])
  })

  it('asks for the code in a new browser, and gets the level in one sign-in', async () => {
    server.clock.ahead += 30
    const browser = new HttpClient()
    const verify = await signIn(browser, await browser.visit(`${apache.url}/transfer.html`))
    expect(verify.name, verify.body).to.equal('totp-verify')
    const code = totpCode({ secret }, server.clock.now())
    const back = await browser.follow(await browser.submit(verify, { code }))
    expect(shown(back)).to.deep.equal([200, 'apache-transfer', MULTI_FACTOR_ACR])
  })
})
