import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { callbackOf, follow, redeem, startHost, type Host } from './host.ts'
import { racing } from './racing.ts'
import { introspect, refresh, userinfo, type Answered } from './relying-party.ts'
import { enrolledPerson, signIn, type Person } from './sign-in.ts'

describe('a second use at the same moment', () => {
  let host: Host
  let mira: Person

  async function start(model: string): Promise<void> {
    host = await startHost({
      storage: (clock) => racing(memoryStorage({ clock }), model),
      configuration: { rotateRefreshToken: () => true },
    })
    mira = await enrolledPerson(host)
  }
  afterEach(async () => host.close())

  async function callback(): Promise<URLSearchParams> {
    const browser = new HttpClient()
    const parameters = { scope: 'openid email offline_access', prompt: 'consent' }
    const consent = await signIn(host, browser, mira, parameters)
    return callbackOf(await follow(host, browser, await browser.submit(consent)))
  }

  /** Expects that one request succeeded and that the tokens it was given are no longer valid. */
  async function expectEnded(answers: readonly Answered[]): Promise<void> {
    const [won, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).to.deep.equal([])
    const lost = answers.filter(({ status }) => status !== 200)
    expect(lost.map(({ json }) => json.error)).to.deep.equal(['invalid_grant'])
    expect((await introspect(host, String(won?.json.access_token))).json).to.deep.equal({
      active: false,
    })
    expect((await refresh(host, String(won?.json.refresh_token))).json).to.include({
      error: 'invalid_grant',
    })
  }

  it('R21 of a refresh token gets the same new token, and everything that was issued is valid', async () => {
    await start('RefreshToken')
    const { tokens } = await redeem(host, await callback())
    const { refresh_token: offline = '' } = tokens
    const answers = await Promise.all([refresh(host, offline), refresh(host, offline)])
    const [one, other] = answers.map(({ json }) => json)
    expect(one?.refresh_token).to.be.a('string').and.not.to.equal(offline)
    expect(other?.refresh_token).to.equal(one?.refresh_token)
    for (const given of [one, other])
      expect((await userinfo(host, String(given?.access_token))).status).to.equal(200)
    expect((await refresh(host, String(one?.refresh_token))).status).to.equal(200)
  })

  it('R21 of an authorization code ends what the winner was given', async () => {
    await start('AuthorizationCode')
    const parameters = await callback()
    const answers = await Promise.all([redeem(host, parameters), redeem(host, parameters)])
    await expectEnded(answers.map(({ status, tokens }) => ({ status, json: tokens })))
  })
})
