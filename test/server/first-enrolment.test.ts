import { expect } from 'chai'
import type { Account } from '../../src/ports/accounts.ts'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { layFoundation } from '../../src/server/boot/foundation.ts'
import { serverMfa, type ServerMfa } from '../../src/server/boot/mfa.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  atTheApp,
  browserWithProof,
  PASSWORD,
  PROOF,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const DAY = 86_400

describe('R10 the first factor, without mail', () => {
  let server: TestServer
  let id: string

  const start = async (settings: object = {}): Promise<void> => {
    server = await startServer({
      settings,
      clients: [
        { ...APP, first_party: true },
        { ...APP, client_id: 'strict', first_party: true, mfa: 'required' },
      ],
    })
    id = (await addPerson(server)).id
  }
  const change = (about: Partial<Account>) =>
    changeAccount(server.storage.accounts, id, (account) => ({ ...account, ...about }))
  const afterPassword = async (
    params: Record<string, string> = {},
    browser = browserWithProof(server),
  ): Promise<Page> => {
    const login = await browser.visit(server.authorize(params))
    return browser.follow(
      await browser.submit(login, { username: 'alice', password: PASSWORD }),
      atTheApp,
    )
  }
  /** The accounts of a second foundation on the same storage, which stands for the process of a command. */
  const accounts = async (): Promise<ServerMfa['accounts']> =>
    serverMfa(await layFoundation(server.config, { storage: server.storage })).accounts
  const proof = (seconds = 60): NonNullable<Account['enrolmentProof']> => {
    const usedAt = server.clock.now()
    return { usedAt, until: usedAt + seconds, epoch: 1, browser: PROOF.hash }
  }
  afterEach(stopServers)

  it('R47 can be set up with the password an administrator gave, for 72 hours; later that is refused, with an entry', async () => {
    await start()
    expect((await afterPassword()).name).to.equal('mfa-choose')
    server.clock.ahead = 3 * DAY
    const page = await afterPassword()
    expect(page.name).to.equal('enrolment-refused')
    expect(page.status).to.equal(403)
    await server.stop()
    const [entry] = await server.storage.audit.list({ type: 'enrolment-refused', limit: 2 })
    expect([entry?.accountId, entry?.detail.reason]).to.deep.equal([id, 'no-proof'])
  })

  it('lives as long as `sessions.setUpSeconds` says', async () => {
    await start({ sessions: { setUpSeconds: 900 } })
    const browser = browserWithProof(server)
    const choose = await afterPassword({}, browser)
    const setUp = await browser.follow(await browser.submit(choose, { factor: 'totp' }))
    expect(setUp.text).to.match(/This set-up ends in (about )?15 minutes\./)
    server.clock.ahead = 900
    expect((await browser.submit(setUp, { code: '000000' })).status).to.equal(410)
  })

  for (const passwordOrigin of ['import', 'reset'] as const)
    it(`cannot after a password that came by ${passwordOrigin}`, async () => {
      await start()
      await change({ passwordOrigin })
      expect((await afterPassword()).name).to.equal('enrolment-refused')
    })

  it('cannot at any sign-in but the first ever', async () => {
    await start({ mfa: { required: 'optional' } })
    const alice = { username: 'alice', password: PASSWORD }
    const page = await signIn(new HttpClient(), server.authorize(), alice, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
    expect((await afterPassword({ client_id: 'strict' })).name).to.equal('enrolment-refused')
  })

  it('can while a set-up link counts as the proof, and not a second longer', async () => {
    await start()
    server.clock.ahead = 10 * DAY
    await change({ passwordOrigin: 'reset', enrolmentProof: proof() })
    expect((await afterPassword()).name).to.equal('mfa-choose')
    server.clock.ahead += 60
    expect((await afterPassword()).name).to.equal('enrolment-refused')
  })

  it('cannot by a link that was used in another browser, although the password is known there', async () => {
    await start()
    server.clock.ahead = 10 * DAY
    await change({ passwordOrigin: 'set-up-link', enrolmentProof: proof() })
    expect((await afterPassword({}, new HttpClient())).name).to.equal('enrolment-refused')
    const forged = new HttpClient()
    forged.jar.store(new URL(server.issuer), [`set-up-proof=${PROOF.hash}; Path=/`])
    expect((await afterPassword({}, forged)).name).to.equal('enrolment-refused')
    expect((await afterPassword()).name).to.equal('mfa-choose')
  })

  it('cannot by a link that was used before a reset, though its time is not over', async () => {
    await start()
    await change({ passwordOrigin: 'reset', enrolmentProof: proof() })
    await (await accounts()).reset(id)
    expect((await afterPassword()).name).to.equal('enrolment-refused')
  })

  it('can by a link that was used after the reset of somebody who had a factor', async () => {
    await start()
    const alice = { username: 'alice', password: PASSWORD }
    await signIn(new HttpClient(), server.authorize(), alice, server)
    await (await accounts()).reset(id)
    server.clock.ahead += 60
    const { epoch } = await (await accounts()).status(id)
    await change({ passwordOrigin: 'reset', enrolmentProof: { ...proof(), epoch } })
    expect((await afterPassword()).name).to.equal('mfa-choose')
  })

  describe('cannot by a link once somebody has signed in since:', () => {
    const alice = { username: 'alice', password: PASSWORD }
    const signsIn = async (): Promise<void> => {
      const page = await signIn(new HttpClient(), server.authorize(), alice, server)
      expect(page.location?.searchParams.has('code')).to.equal(true)
    }
    beforeEach(() => start({ mfa: { required: 'optional' } }))

    it('the first sign-in ever is seen by its time', async () => {
      const used = proof(3600)
      server.clock.ahead += 60
      await signsIn()
      await change({ passwordOrigin: 'reset', enrolmentProof: used })
      expect((await afterPassword({ client_id: 'strict' })).name).to.equal('enrolment-refused')
    })

    it('every later one takes the proof away', async () => {
      await signsIn()
      server.clock.ahead += 60
      await change({ passwordOrigin: 'reset', enrolmentProof: proof(3600) })
      await signsIn()
      expect((await afterPassword({ client_id: 'strict' })).name).to.equal('enrolment-refused')
    })
  })

  it('can with the password at any time where the settings say so', async () => {
    await start({ mfa: { firstEnrolment: 'password' } })
    server.clock.ahead = 10 * DAY
    expect((await afterPassword()).name).to.equal('mfa-choose')
  })

  it('is asked of the groups that must have one, and of nobody else', async () => {
    await start({ mfa: { required: ['staff'] } })
    expect((await afterPassword()).location?.searchParams.has('code')).to.equal(true)
    await change({ groups: ['staff'] })
    const bob = await addPerson(server, { username: 'bob', groups: ['staff'] })
    const page = await signIn(new HttpClient(), server.authorize(), bob, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
    expect(bob.secret).to.be.a('string')
  })
})
