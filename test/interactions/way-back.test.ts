import { expect } from 'chai'
import type { Provider } from 'oidc-provider'
import { aboutEnd, wayBack } from '../../interactions/way-back.ts'

const CALLBACK = 'https://app.example/callback'

/** A provider with one stored interaction and one client. */
function providerWith(stored: object | undefined, client?: object): Provider {
  return {
    Interaction: { adapter: { find: async () => stored } },
    Client: {
      find: async (id: string) =>
        id === 'app' ? { clientId: 'app', redirectUris: [CALLBACK], ...client } : undefined,
    },
  } as unknown as Provider
}
const ended = (params: object, answered?: boolean) => ({ answered, params })
const ASKED = { client_id: 'app', redirect_uri: CALLBACK }

describe('the way back from an interaction that is over', () => {
  const hrefFor = async (params: object, client?: object) =>
    (await wayBack(providerWith(ended(params), client), 'uid')).href

  it('leads to where the app begins a sign-in, else to its home page, else to its origin', async () => {
    const initiateLoginUri = 'https://app.example/login'
    const clientUri = 'https://www.app.example/'
    expect(await hrefFor(ASKED, { initiateLoginUri, clientUri })).to.equal(initiateLoginUri)
    expect(await hrefFor(ASKED, { clientUri })).to.equal(clientUri)
    expect(await hrefFor(ASKED)).to.equal('https://app.example/')
  })

  it('R21 leads to no address that is not registered with the app', async () => {
    expect(await hrefFor({ ...ASKED, redirect_uri: 'https://evil.example/' })).to.equal(undefined)
    expect(await hrefFor({ ...ASKED, client_id: 'gone' })).to.equal(undefined)
    expect(await hrefFor({ ...ASKED, client_id: ['app'] })).to.equal(undefined)
    expect(await hrefFor({ client_id: 'app' })).to.equal(undefined)
    expect(await hrefFor(ASKED, { redirectUris: undefined })).to.equal(undefined)
  })

  it('leads to web pages only', async () => {
    for (const [redirect_uri, href] of [
      ['http://localhost:8080/callback', 'http://localhost:8080/'],
      ['com.example.app:/callback', undefined],
    ] as const)
      expect(
        await hrefFor({ client_id: 'app', redirect_uri }, { redirectUris: [redirect_uri] }),
      ).to.equal(href)
  })

  it('says whether the page was answered', async () => {
    for (const answered of [true, false])
      expect(await wayBack(providerWith(ended({}, answered)), 'uid')).to.deep.equal({ answered })
    expect(await wayBack(providerWith(undefined), 'uid')).to.deep.equal({ answered: false })
  })

  it('says so for an app that is gone as well', async () => {
    for (const [params, client] of [
      [{ ...ASKED, client_id: 'gone' }, {}],
      [{ ...ASKED, redirect_uri: ['x'] }, {}],
      [{ client_id: 'app' }, {}],
      [ASKED, { redirectUris: undefined }],
    ] as const)
      expect(await wayBack(providerWith(ended(params, true), client), 'uid')).to.deep.equal({
        answered: true,
      })
  })

  it('is none where it cannot be found, so that the page still explains the first fault', async () => {
    const broken = providerWith(undefined)
    broken.Interaction.adapter.find = () => Promise.reject(new Error('the storage is away'))
    expect(await wayBack(broken, 'uid')).to.deep.equal({ answered: false })
  })
})

describe('the end of an interaction on a page', () => {
  it('is told to a person who came by the back button, and not as the answer to a form or a download', () => {
    const href = 'https://app.example/'
    for (const [method, path, answered] of [
      ['GET', '/mfa/x', true],
      ['HEAD', '/mfa/x', true],
      ['POST', '/mfa/x', false],
      ['GET', '/mfa/x/backup-codes.txt', false],
    ] as const) {
      const told = aboutEnd({ method, path }, { answered: true, href })
      expect(told).to.deep.equal({ wayBack: href, answered })
    }
    const get = { method: 'GET', path: '/mfa/x' }
    expect(aboutEnd(get, { answered: false })).to.deep.equal({ answered: false })
    expect(aboutEnd(get, undefined)).to.deep.equal({ answered: false })
  })
})
