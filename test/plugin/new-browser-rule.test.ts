import { expect } from 'chai'
import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, showPassword, startHost, type Host } from './host.ts'

describe('a rule for browsers that are known', () => {
  let host: Host
  let browser: HttpClient
  before(async () => {
    host = await startHost({
      mfa: {
        require: false,
        policy: {
          rules: [{ name: 'known', when: { newBrowser: false }, require: 'multi-factor' }],
        },
      },
      configuration: {
        // No app has a grant before its consent page.
        async loadExistingGrant({ oidc: { client, provider, result, session } }) {
          const { consent } = (result ?? {}) as { consent?: { grantId: string } }
          const grantId = consent?.grantId ?? session!.grantIdFor(client!.clientId)
          return grantId === undefined ? undefined : await provider.Grant.find(grantId)
        },
      },
    })
  })
  after(() => host.close())
  beforeEach(() => {
    browser = new HttpClient()
  })
  const approve = async (page: Page): Promise<Page> => {
    expect(page.name).to.equal('host-consent')
    return follow(host, browser, await browser.submit(page))
  }

  it('judges the browser as it was before this sign-in, on every page of it', async () => {
    const answer = callbackOf(await approve(await showPassword(host, browser, 'mira')))
    expect([...answer.keys()]).to.include('code')
  })

  it('asks in the next sign-in, and for the next app', async () => {
    await approve(await showPassword(host, browser, 'noor'))
    const other = await browser.get(authorizeUrl(host, { client_id: 'other' }))
    expect((await follow(host, browser, other)).name).to.equal('totp-enrol')
    for (const name of ['_session', '_session.sig']) browser.jar.delete(name)
    expect((await showPassword(host, browser, 'noor')).name).to.equal('totp-enrol')
  })
})
