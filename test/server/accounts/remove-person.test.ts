import { expect } from 'chai'
import type { Account } from '../../../src/ports/accounts.ts'
import { removePerson } from '../../../src/server/accounts/remove-person.ts'
import { createApp } from '../../../src/server/boot/app.ts'
import { layFoundation } from '../../../src/server/boot/foundation.ts'
import { openLog } from '../../../src/server/observe/log.ts'
import { secretOf } from '../../support/enrolment.ts'
import { HttpClient } from '../../support/http-client.ts'
import { totpCode } from '../../support/totp.ts'
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
  type TestServer,
} from '../support.ts'

describe('R20 a removed person', () => {
  afterEach(stopServers)

  /** As the process of `user remove` does it. `breakAt`: a call of the storage at which the run breaks off. */
  async function remove(
    server: TestServer,
    id: string,
    breakAt?: 'removeAccount' | 'reset' | 'list',
  ): Promise<void> {
    const fail = () => Promise.reject(new Error('broken off'))
    const { storage } = server
    const broken = {
      removeAccount: { ...storage, removeAccount: fail },
      reset: { ...storage, counters: { ...storage.counters, reset: fail } },
      list: { ...storage, accountRecords: { ...storage.accountRecords, list: fail } },
    }
    const foundation = await layFoundation(server.config, {
      storage: breakAt === undefined ? storage : broken[breakAt],
      clock: server.clock,
    })
    const app = await createApp(foundation, { log: openLog('silent') })
    const account = (await storage.accounts.byId(id))?.account as Account
    await removePerson({ ...foundation, ...app }, account)
    await app.settled()
  }

  const isActive = async (server: TestServer, token: unknown): Promise<unknown> => {
    const response = await fetch(new URL('/token/introspection', server.url), {
      method: 'POST',
      headers: { authorization: APP_CREDENTIALS },
      body: new URLSearchParams({ token: String(token) }),
    })
    return ((await response.json()) as { active: unknown }).active
  }

  async function signedIn() {
    const server = await startServer({ clients: [{ ...APP, first_party: true }] })
    const alice = await addPerson(server)
    const browser = new HttpClient()
    const start = server.authorize({ scope: 'openid offline_access', prompt: 'consent' })
    const { body } = await redeem(server, await signIn(browser, start, alice, server))
    expect(body).to.have.property('refresh_token')
    return { server, alice, browser, body }
  }

  async function expectGone({
    server,
    alice,
    browser,
    body,
  }: Awaited<ReturnType<typeof signedIn>>) {
    const { storage } = server
    const silent = await browser.get(server.authorize({ prompt: 'none' }))
    expect(silent.location?.searchParams.get('error')).to.equal('login_required')
    const refresh_token = String(body['refresh_token'])
    const refreshed = await tokenRequest(server, { grant_type: 'refresh_token', refresh_token })
    expect(refreshed.body['error']).to.equal('invalid_grant')
    for (const token of [body['access_token'], refresh_token])
      expect(await isActive(server, token)).to.equal(false)
    expect(await storage.accountRecords.list('Session', alice.id)).to.deep.equal([])
    expect(await storage.accountRecords.list('Grant', alice.id)).to.deep.equal([])
    expect(await storage.accounts.byId(alice.id)).to.equal(undefined)
    expect(await storage.accounts.byName('alice')).to.equal(undefined)
    expect(await storage.records.load(alice.id)).to.equal(undefined)
    expect(await storage.outbox.list({ limit: 9 })).to.deep.equal([])
    const types = (await storage.audit.list({ accountId: alice.id, limit: 100 })).map(
      ({ type }) => type,
    )
    expect(types).to.include.members(['user-removed', 'session-ended', 'factor-enrolled'])
  }

  it('has nothing live and nothing stored any more but the trail', async () => {
    const before = await signedIn()
    const { server, alice } = before
    const half = new HttpClient()
    const login = await half.visit(server.authorize())
    const waiting = await half.follow(
      await half.submit(login, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
    expect(waiting.name).to.equal('totp-verify')
    await remove(server, alice.id)
    await expectGone(before)
    expect((await half.submit(waiting, { code: '000000' })).status).to.equal(410)
    const again = await half.submit(await half.visit(server.authorize()), {
      username: 'alice',
      password: PASSWORD,
    })
    expect(again.status).to.equal(422)
  })

  it('sets up no second factor in a sign-in that was under way', async () => {
    const server = await startServer({ clients: [{ ...APP, first_party: true }] })
    const { id } = await addPerson(server, { username: 'theo' })
    const browser = new HttpClient()
    const login = await browser.visit(server.authorize())
    const choose = await browser.follow(
      await browser.submit(login, { username: 'theo', password: PASSWORD }),
      atTheApp,
    )
    const setUp = await browser.follow(await browser.submit(choose, { factor: 'totp' }))
    expect(setUp.name).to.equal('totp-enrol')
    const code = totpCode({ secret: secretOf(setUp) }, server.clock.now())
    await remove(server, id)
    expect((await browser.submit(setUp, { code })).status).to.equal(410)
    expect(await server.storage.records.load(id)).to.equal(undefined)
  })

  for (const breakAt of ['list', 'reset', 'removeAccount'] as const)
    it(`is gone after a second run, if the first one breaks off at ${breakAt}`, async () => {
      const before = await signedIn()
      const { server, alice, body } = before
      const fault: unknown = await remove(server, alice.id, breakAt).catch(
        (error: unknown) => error,
      )
      expect(fault).to.have.property('message', 'broken off')
      // Nothing counts any more, although something is still stored.
      expect(await isActive(server, body['access_token'])).to.equal(false)
      await remove(server, alice.id)
      await expectGone(before)
    })
})
