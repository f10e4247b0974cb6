import { expect } from 'chai'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { serverMfa } from '../../src/server/boot/mfa.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  APP_CREDENTIALS,
  atTheApp,
  PASSWORD,
  redeem,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
} from './support.ts'

describe('R20 a disabled account', () => {
  afterEach(stopServers)

  it('gets nothing for its tokens, even where disabling broke off before the rest', async () => {
    const server = await startServer({ clients: [{ ...APP, first_party: true }] })
    const alice = await addPerson(server)
    const start = server.authorize({ scope: 'openid offline_access', prompt: 'consent' })
    const { body } = await redeem(server, await signIn(new HttpClient(), start, alice, server))
    const disabledAt = server.clock.now()
    await changeAccount(server.storage.accounts, alice.id, (a) => ({ ...a, disabledAt }))
    const response = await fetch(new URL('/token/introspection', server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({ token: String(body['access_token']) }),
    })
    expect(await response.json()).to.deep.equal({ active: false })
    const headers = { authorization: `Bearer ${String(body['access_token'])}` }
    expect((await fetch(new URL('/me', server.url), { headers })).status).to.equal(401)
    const refresh_token = String(body['refresh_token'])
    const refreshed = await tokenRequest(server, { grant_type: 'refresh_token', refresh_token })
    expect(refreshed.body['error']).to.equal('invalid_grant')
  })

  it('has nothing live any more, at once, and nothing of it comes back when it is enabled', async () => {
    const server = await startServer({ clients: [{ ...APP, first_party: true }] })
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const start = server.authorize({ scope: 'openid offline_access', prompt: 'consent' })
    const { body } = await redeem(server, await signIn(browser, start, alice, server))
    expect(body).to.have.property('refresh_token')
    const half = new HttpClient()
    const login = await half.visit(server.authorize())
    const waiting = await half.follow(
      await half.submit(login, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
    expect(waiting.name).to.equal('totp-verify')

    // A second foundation on the same storage stands for the process of `user disable`.
    const foundation = await layFoundation(server.config, { storage: server.storage })
    const disable = (disabledAt: number | undefined) =>
      changeAccount(server.storage.accounts, alice.id, ({ disabledAt: _, ...account }) =>
        disabledAt === undefined ? account : { ...account, disabledAt },
      )
    await disable(server.clock.now())
    await serverMfa(foundation).accounts.endEverything(alice.id, 'disabled')

    const introspection = async (token: unknown): Promise<unknown> => {
      const response = await fetch(new URL('/token/introspection', server.url), {
        method: 'POST',
        headers: { authorization: APP_CREDENTIALS },
        body: new URLSearchParams({ token: String(token) }),
      })
      return response.json()
    }
    const userinfo = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${String(body['access_token'])}` }
      return (await fetch(new URL('/me', server.url), { headers })).status
    }
    const refresh = () =>
      tokenRequest(server, {
        grant_type: 'refresh_token',
        refresh_token: String(body['refresh_token']),
      })
    const isDead = async (): Promise<void> => {
      const silent = await browser.get(server.authorize({ prompt: 'none' }))
      expect(silent.location?.searchParams.get('error')).to.equal('login_required')
      expect((await refresh()).body['error']).to.equal('invalid_grant')
      expect(await userinfo()).to.equal(401)
      expect(await introspection(body['access_token'])).to.deep.equal({ active: false })
      expect(await introspection(body['refresh_token'])).to.deep.equal({ active: false })
    }
    await isDead()
    const late = await half.submit(waiting, { code: '000000' })
    expect(late.status).to.equal(410)
    const refused = new HttpClient()
    const page = await refused.submit(await refused.visit(server.authorize()), {
      username: 'alice',
      password: PASSWORD,
    })
    expect(page.status).to.equal(422)

    await disable(undefined)
    await isDead()
    server.clock.ahead += 30
    const again = await signIn(new HttpClient(), server.authorize(), alice, server)
    expect(again.location?.searchParams.has('code')).to.equal(true)
  })
})
