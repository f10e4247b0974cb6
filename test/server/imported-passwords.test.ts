import { hash as bcryptHash } from '@node-rs/bcrypt'
import { expect } from 'chai'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { hashKinds } from '../../src/server/accounts/hash-kinds.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const OLD = 'the password of before'

describe('a password whose hash another product made', () => {
  let server: TestServer
  let id: string

  const hashOf = async (): Promise<string> =>
    (await server.storage.accounts.byId(id))?.account.passwordHash ?? ''
  const tryPassword = async (password: string): Promise<Page> => {
    const browser = new HttpClient()
    const page = await browser.visit(server.authorize())
    return browser.follow(await browser.submit(page, { username: 'alice', password }), atTheApp)
  }

  beforeEach(async () => {
    server = await startServer()
    ;({ id } = await addPerson(server))
    // The server is already running: it must accept a hash that is imported while it serves.
    const kinds = hashKinds({ settings: server.storage.settings, clock: server.clock })
    await kinds.note('bcrypt 4')
    const passwordHash = await bcryptHash(OLD, 4)
    await changeAccount(server.storage.accounts, id, (account) => ({ ...account, passwordHash }))
  })
  afterEach(stopServers)

  it('signs in, and is hashed anew with argon2id', async () => {
    const page = await signIn(
      new HttpClient(),
      server.authorize(),
      { username: 'alice', password: OLD },
      server,
    )
    expect(page.location?.searchParams.has('code')).to.equal(true)
    expect(await hashOf()).to.match(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect((await tryPassword(OLD)).name).to.equal('totp-verify')
  })

  it('stays as it was after a wrong one', async () => {
    const before = await hashOf()
    expect((await tryPassword('not the one')).status).to.equal(422)
    expect(await hashOf()).to.equal(before)
  })
})
