import { expect } from 'chai'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import {
  addPerson,
  atTheApp,
  PASSWORD,
  startServer,
  stopServers,
  type TestOptions,
  type TestServer,
} from './support.ts'

const FORM = 'form[data-passkey-sign-in]'

describe('a passkey alone, on the login page of the server', () => {
  let server: TestServer
  let key: SoftAuthenticator
  afterEach(stopServers)

  const open = async (client = new HttpClient(), parameters: Record<string, string> = {}) => {
    const page = await client.visit(server.authorize(parameters), atTheApp)
    const answer = (credential: string): Promise<Page> =>
      client.submit(page, { credential }, { form: FORM })
    return { client, page, answer }
  }
  const refused = async (): Promise<Page> => {
    const { page, answer } = await open()
    return answer(key.get(optionsOf(page), { origin: 'https://evil.example' }))
  }
  const entries = () => server.storage.audit.list({ type: 'passkey-refused', limit: 100 })

  /** Starts a server, and sets up a passkey in a first sign-in. */
  async function start(options: TestOptions = {}): Promise<void> {
    server = await startServer(options)
    await addPerson(server)
    key = new SoftAuthenticator({ origin: server.issuer })
    const client = new HttpClient()
    const { page } = await open(client)
    const choose = await client.follow(
      await client.submit(page, { username: 'alice', password: PASSWORD }),
    )
    const setUp = await client.follow(await client.submit(choose, { factor: 'passkey' }))
    const credential = key.create(optionsOf(setUp))
    const codes = await client.follow(await client.submit(setUp, { credential }))
    expect(codes.name).to.equal('backup-codes')
    await client.follow(await client.submit(codes, { saved: 'yes' }), atTheApp)
  }

  it('R22 signs in by a form beside that of the password', async () => {
    await start()
    const { client, page, answer } = await open()
    expect(page.tags('input[name=username]')[0]?.autocomplete).to.equal('username webauthn')
    expect(page.form().fields).to.have.property('username')
    expect(page.tags(FORM)[0]).to.include({ hidden: '' })
    expect(page.headers['content-security-policy']).to.contain("connect-src 'self'")
    const answered = await answer(key.get(optionsOf(page)))
    expect(answered.status, answered.body).to.equal(303)
    expect((await client.follow(answered, atTheApp)).name).to.equal('consent')
    expect(await entries()).to.deep.equal([])
  })

  it('R33 shows itself again after a refusal, with fresh options, alike for a disabled account', async () => {
    await start()
    const again = await refused()
    expect([again.status, again.name, again.all('[role=alert]').length]).to.deep.equal([
      422,
      'login',
      1,
    ])
    expect(again.tags(FORM)[0]).not.to.have.property('data-passkey-unknown')
    const { account } = (await server.storage.accounts.byName('alice'))!
    await changeAccount(server.storage.accounts, account.id, (current) => ({
      ...current,
      disabledAt: server.clock.now(),
    }))
    const { page, answer } = await open()
    const off = await answer(key.get(optionsOf(page)))
    const plain = (shown: Page): string =>
      shown.body
        .replaceAll(/\/interaction\/[\w-]+/g, 'UID')
        .replaceAll(/value="[\w-]{43}"/g, 'CSRF')
        .replaceAll(/&quot;challenge&quot;:&quot;[\w-]+/g, 'CHALLENGE')
    const headersOf = ({ headers }: Page): object => {
      const { date: _, 'content-length': _length, 'x-request-id': _id, ...others } = headers
      return others
    }
    expect(plain(off)).to.equal(plain(again))
    expect(off.status).to.equal(again.status)
    expect(headersOf(off)).to.deep.equal(headersOf(again))
    const unknown = new SoftAuthenticator({ origin: server.issuer })
    const last = await open()
    const stranger = await last.answer(unknown.get(optionsOf(last.page), { userHandle: 'AAAA' }))
    expect(stranger.status).to.equal(again.status)
    expect(headersOf(stranger)).to.deep.equal(headersOf(again))
    expect(plain(stranger).replace(/ data-passkey-unknown="[^"]*"/, '')).to.equal(plain(again))
    expect(stranger.tags(FORM)[0]?.['data-passkey-unknown']).to.equal(unknown.credentialId)
  })

  it('R47 tells of refusals in the trail, without an account, at most ten a minute', async () => {
    await start()
    for (let nth = 0; nth < 12; nth += 1) await refused()
    const told = await entries()
    expect(told).to.have.length(10)
    expect(told[0]).to.not.have.property('accountId')
    expect(told[0]?.detail).to.include({ reason: 'wrong', ip: '127.0.0.1' })
  })

  it('R4 shares the limit of failures of an address with passwords, and a success takes none', async () => {
    await start({ settings: { passwords: { failuresPerAddress: 2 } } })
    for (let nth = 0; nth < 3; nth += 1) {
      const { page, answer } = await open()
      expect((await answer(key.get(optionsOf(page)))).status).to.equal(303)
    }
    expect((await refused()).status).to.equal(422)
    const client = new HttpClient()
    const { page } = await open(client)
    const wrong = await client.submit(page, { username: 'alice', password: 'wrong guess' })
    expect(wrong.status).to.equal(422)
    const { answer, page: last } = await open()
    const busy = await answer(key.get(optionsOf(last)))
    expect([busy.status, busy.name]).to.deep.equal([429, 'busy'])
    expect(Number(busy.headers['retry-after'])).to.be.within(1, 600)
    expect((await entries()).map(({ detail }) => detail.reason)).to.have.members([
      'wrong',
      'throttled',
    ])
  })

  it('R30 takes no form of another site, and answers fresh options to its own pages alone', async () => {
    await start()
    const { client, page } = await open()
    const address = `${page.url.href}/passkey`
    const foreign = { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } }
    const credential = key.get(optionsOf(page))
    expect((await client.post(address, { credential })).status).to.equal(403)
    const { csrf = '' } = page.form(FORM).fields
    expect((await client.post(address, { csrf, credential }, foreign)).status).to.equal(403)
    expect((await client.get(address, foreign)).status).to.equal(403)
    const { options } = (await client.get(address)).json as { options: string }
    expect((await client.post(address, { csrf, credential })).status).to.equal(422)
    const other = await open()
    const renewed = await other.client.get(`${other.page.url.href}/passkey`)
    const { options: fresh } = renewed.json as { options: string }
    expect(fresh).not.to.equal(options)
    expect((await other.answer(key.get(fresh))).status).to.equal(303)
  })

  it('is not there where passkeys are off', async () => {
    server = await startServer({ settings: { passkeys: { enabled: false } } })
    const { client, page } = await open()
    expect(page.all(FORM)).to.have.length(0)
    expect(page.tags('input[name=username]')[0]?.autocomplete).to.equal('username')
    expect(page.headers['content-security-policy']).to.not.contain('connect-src')
    const { csrf = '' } = page.form().fields
    expect((await client.post(`${page.url.href}/passkey`, { csrf })).status).to.equal(404)
  })
})
