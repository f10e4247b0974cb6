import { expect } from 'chai'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { authorizeUrl, PASSWORD, startHost, type Host } from './host.ts'

describe('a provider mounted under a path of a larger application', () => {
  let host: Host
  let browser: HttpClient
  beforeEach(async () => {
    host = await startHost({
      mount: '/op',
      configuration: { interactions: { url: (_ctx, { uid }) => `/op/interaction/${uid}` } },
    })
    browser = new HttpClient()
  })
  afterEach(async () => host.close())

  const follow = (page: Page): Promise<Page> =>
    browser.follow(page, ({ origin }) => origin !== new URL(host.issuer).origin)
  const expectStyled = async (page: Page): Promise<void> => {
    const addresses = [
      ...page.tags('link').map(({ href }) => href),
      ...page.tags('script').map(({ src }) => src),
    ].filter((address) => address !== undefined)
    expect(addresses).not.to.deep.equal([])
    for (const address of addresses)
      expect((await browser.get(new URL(address, page.url))).status, address).to.equal(200)
  }

  it('has its pages, forms, cookies and styles there', async () => {
    const url = authorizeUrl(host)
    url.pathname = '/op/auth'
    const login = await follow(await browser.get(url))
    expect(login.url.pathname).to.match(/^\/op\/interaction\//)
    const answer = await browser.post(login.url, { username: 'mira', password: PASSWORD })
    const setUp = await follow(answer)
    expect(setUp.url.pathname).to.match(/^\/op\/mfa\/[\w-]+\/enrol\/totp$/)
    await expectStyled(setUp)
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const shown = await follow(await browser.submit(setUp, { code }))
    expect(shown.name).to.equal('backup-codes')
    const file = await browser.get(shown.link('a[download]'))
    expect([file.status, file.url.pathname.startsWith('/op/mfa/')]).to.deep.equal([200, true])
    const back = await follow(await browser.submit(shown, { saved: 'yes' }))
    expect(back.location?.searchParams.get('code')).to.be.a('string')
    const expired = await browser.get(setUp.url)
    expect(expired.status).to.equal(200)
    await expectStyled(expired)
  })
})
