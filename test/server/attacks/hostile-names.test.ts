import { expect } from 'chai'
import { changeAccount } from '../../../src/server/accounts/people.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { backupCodesOf, secretOf } from '../../support/enrolment.ts'
import { totpCode } from '../../support/totp.ts'
import { addPerson, APP, atTheApp, CALLBACK, stopServers } from '../support.ts'
import { startRecorded, type RecordedServer } from './own-routes.ts'

/** A text that would show itself in a page: as a tag, as an attribute, as a template, or as another line of a header. */
const HOSTILE = `"'><img src=x onerror=alert(1)>{{7*191}}\${7*191}`

describe('a hostile name', function () {
  this.timeout(60_000)
  let server: RecordedServer
  let browser: HttpClient

  before(async () => {
    server = await startRecorded({
      clients: [{ ...APP, client_name: HOSTILE, logo_uri: 'https://app.example/x.png' }],
    })
    const person = await addPerson(server, { claims: { name: HOSTILE, given_name: HOSTILE } })
    await changeAccount(server.storage.accounts, person.id, (account) => ({
      ...account,
      username: HOSTILE,
    }))
    browser = new HttpClient({ headers: { 'user-agent': HOSTILE, 'accept-language': HOSTILE } })
    let page = await browser.visit(server.authorize({ login_hint: HOSTILE }), atTheApp)
    harmless(page)
    page = await browser.submit(page, { username: HOSTILE, password: HOSTILE })
    harmless(page)
    page = await browser.follow(
      await browser.submit(page, { username: 'alice@example.com', password: person.password }),
    )
    harmless(page)
    page = await browser.follow(await browser.submit(page, { factor: 'totp' }))
    harmless(page)
    const code = totpCode({ secret: secretOf(page) }, server.clock.now())
    page = await browser.follow(await browser.submit(page, { code, name: HOSTILE }))
    harmless(page)
    expect(backupCodesOf(page)).to.have.length(10)
    page = await browser.follow(await browser.submit(page, { saved: 'yes' }), atTheApp)
    expect(page.name).to.equal('consent')
    harmless(page)
    page = await browser.follow(await browser.submit(page), atTheApp)
    expect(page.location?.href).to.match(new RegExp(`^${CALLBACK}`))
  })
  after(stopServers)

  const at = (path: string): URL => new URL(path, server.issuer)
  const harmless = (page: Page): void => {
    const about = `${page.name} ${page.url.pathname}`
    expect(page.all('script:not([src])').length, about).to.equal(0)
    expect(page.tags('[onerror], [src=x], main style'), about).to.deep.equal([])
    expect(page.body, about).not.to.contain('1337').and.not.to.contain('<img src=x')
    expect(page.headers, about).not.to.have.property('x-evil')
  }

  it('R34 is text on every account page', async () => {
    let shown = 0
    for (const path of server.accountPaths) {
      const page = await browser.visit(at(path), atTheApp)
      harmless(page)
      expect(page.status, path).to.be.lessThan(500)
      if (page.text.includes('{{7*191}}')) shown += 1
    }
    // The name of the factor, the name of the app: the pages that show them were looked at.
    expect(shown).to.be.greaterThan(1)
  })

  it('R34 is text on the pages of a sign-in and of a change', async () => {
    const overview = await browser.visit(at('/account'), atTheApp)
    const { csrf = '' } = overview.form().fields
    const [id = ''] = overview.tags('input[name=id]').map(({ value = '' }) => value)
    for (const fields of [
      { do: 'rename', id },
      { do: 'replace', id },
      { do: 'remove', id },
      { do: 'add', factor: 'totp' },
    ])
      harmless(
        await browser.follow(await browser.post(at('/account'), { csrf, ...fields }), atTheApp),
      )
    for (const params of [{ prompt: 'mfa' }, { prompt: 'consent' }, { prompt: 'login' }])
      harmless(await browser.visit(server.authorize(params), atTheApp))
  })

  it('R34 is no line of a header, whatever address it is sent to', async () => {
    const lines = '%0d%0aX-Evil:%20yes%0d%0a'
    for (const path of [
      ...server.accountPaths,
      ...server.routes.flatMap(({ method, path: pattern }) =>
        method === 'get' && pattern !== '/' ? pattern : [],
      ),
    ]) {
      const address = path.replace(/:(\w+)/g, lines)
      for (const url of [`${address}?a=${lines}`, `${address}/${lines}`]) {
        const page = await browser.get(at(url))
        harmless(page)
        expect(page.status, url).to.be.lessThan(500)
      }
    }
  })
})
