import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { systemClock } from '../../src/adapters/crypto/index.ts'
import { unmatchedForeignHash } from '../../src/adapters/crypto/foreign-hash/index.ts'
import type { Account } from '../../src/ports/accounts.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { hashKinds } from '../../src/server/accounts/hash-kinds.ts'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { addPerson, signIn, startServer, stopServers, type TestServer } from './support.ts'

/** The names have one length, so that the length of the name makes no difference between the responses. */
const NAMES = {
  'unknown name': 'nobody',
  'wrong password': 'walter',
  'wrong password, second factor enrolled': 'esther',
  'disabled account': 'denise',
  'disabled account, right password': 'dorian',
  'account without a password': 'norman',
  'imported account, wrong password': 'imogen',
  'account locked by failures': 'lorenz',
  'account locked by failures, right password': 'louisa',
  'locked name of nobody': 'ladies',
} as const

const RIGHT_PASSWORD = /right password/

/** The headers that may differ between any two responses, whatever the name. */
const BY_CHANCE = ['x-request-id', 'date', 'connection', 'keep-alive']

describe('R33 a refused sign-in', () => {
  let server: TestServer
  let asked: string[]

  /** Records the operations on the storage in their order, without their arguments. */
  const listening = <T extends object>(name: string, port: T): T =>
    new Proxy(port, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          asked.push(`${name}.${String(property)}`)
          return (value as (...all: unknown[]) => unknown).apply(target, args)
        }
      },
    })
  const listeningTo = (storage: ServerStorage): ServerStorage => ({
    ...storage,
    accounts: listening('accounts', storage.accounts),
    counters: listening('counters', storage.counters),
    records: listening('records', storage.records),
    oneTime: listening('oneTime', storage.oneTime),
    audit: listening('audit', storage.audit),
    hostRecords: (model) => listening(model, storage.hostRecords(model)),
  })

  const change = async (username: string, apply: (account: Account) => Account): Promise<void> => {
    const { id } = await addPerson(server, { username })
    await changeAccount(server.storage.accounts, id, apply)
  }

  beforeEach(async () => {
    asked = []
    server = await startServer({
      storage: listeningTo(memoryStorage({ clock: systemClock })),
      settings: { passwords: { failuresPerName: 5, failuresPerAddress: 1000 } },
    })
    await addPerson(server, { username: NAMES['wrong password'] })
    const enrolled = await addPerson(server, {
      username: NAMES['wrong password, second factor enrolled'],
    })
    await signIn(new HttpClient(), server.authorize(), enrolled, server)
    for (const kind of ['disabled account', 'disabled account, right password'] as const)
      await change(NAMES[kind], (account) => ({ ...account, disabledAt: server.clock.now() }))
    await hashKinds({ settings: server.storage.settings, clock: server.clock }).note('bcrypt 4')
    const passwordHash = unmatchedForeignHash('bcrypt 4') ?? ''
    await change(NAMES['imported account, wrong password'], (account) => ({
      ...account,
      passwordHash,
    }))
    await change(NAMES['account without a password'], ({ passwordHash: _, ...account }) => account)
    for (const kind of [
      'account locked by failures',
      'account locked by failures, right password',
    ] as const)
      await addPerson(server, { username: NAMES[kind] })
    for (const kind of [
      'account locked by failures',
      'account locked by failures, right password',
      'locked name of nobody',
    ] as const)
      for (let i = 0; i < 5; i += 1) await refused(NAMES[kind])
  })
  afterEach(stopServers)

  const refused = async (
    username: string,
    password = 'not this one, though it looks like one',
    browser = new HttpClient(),
  ): Promise<Page> => {
    const page = await browser.visit(server.authorize())
    asked.length = 0
    return browser.submit(page, { username, password })
  }
  const passwordFor = (kind: string): string | undefined =>
    RIGHT_PASSWORD.test(kind) ? 'correct horse battery staple' : undefined

  /** Expects that `look` returns the same for each kind of refusal. */
  const expectAlike = async (look: (page: Page, username: string) => unknown): Promise<void> => {
    const seen = new Map<string, string[]>()
    for (const [kind, username] of Object.entries(NAMES)) {
      const page = await refused(username, passwordFor(kind))
      expect(page.name, kind).to.equal('login')
      const what = JSON.stringify(look(page, username))
      seen.set(what, [...(seen.get(what) ?? []), kind])
    }
    expect([...seen.values()]).to.deep.equal([Object.keys(NAMES)])
  }

  it('has one status', () => expectAlike(({ status }) => status))

  it('has one set of headers', () =>
    expectAlike(({ headers }) =>
      Object.entries(headers)
        .filter(([name]) => !BY_CHANCE.includes(name))
        // The values of cookies are random; their names and attributes are compared.
        .map(([name, value]) => [
          name,
          name === 'set-cookie' ? [value].flat().map((one) => one?.replace(/=[^;]*/, '')) : value,
        ])
        .sort(),
    ))

  it('has one body, but for the name that was typed and the tokens of the form', () =>
    expectAlike(({ body, url }, username) =>
      body
        .replaceAll(username, 'NAME')
        .replaceAll(/name="csrf" value="[^"]*"/g, 'CSRF')
        // The form for a passkey has a challenge of its own on each page.
        .replaceAll(/data-passkey-options="[^"]*"/g, 'OPTIONS')
        .replaceAll(/\/interaction\/[\w-]+/g, 'INTERACTION')
        .replaceAll(url.origin, 'ORIGIN'),
    ))

  it('asks the same of the storage, in the same order', async () => {
    const seen = new Map<string, string[]>()
    for (const [kind, username] of Object.entries(NAMES)) {
      await refused(username, passwordFor(kind))
      const what = asked
        .filter((operation) => /^(accounts|records|counters|audit)\./.test(operation))
        .join(' ')
      seen.set(what, [...(seen.get(what) ?? []), kind])
    }
    // A full counter writes nothing, so for a locked name another counter is written: it takes as much time (R33).
    const locked = Object.keys(NAMES).filter((kind) => kind.includes('locked'))
    const others = Object.keys(NAMES).filter((kind) => !kind.includes('locked'))
    expect([...seen.values()]).to.deep.equal([others, locked])
    const [plain = '', withWrite = ''] = [...seen.keys()]
    expect(withWrite.replace('counters.reserve ', '')).to.equal(plain)
  })

  it('asks the same of the storage where the browser has signed in somebody else', async () => {
    const browser = new HttpClient()
    const other = await addPerson(server, { username: 'somebody-else' })
    await signIn(browser, server.authorize(), other, server)
    const operations = new Set<string>()
    for (const kind of ['unknown name', 'wrong password', 'disabled account'] as const) {
      const page = await browser.visit(server.authorize({ prompt: 'login' }))
      asked.length = 0
      await browser.submit(page, { username: NAMES[kind], password: 'not this one' })
      operations.add(asked.filter((each) => /^(accounts|records)\./.test(each)).join(' '))
    }
    expect([...operations]).to.have.length(1)
    expect([...operations][0]).to.match(/records\.load/)
  })

  it('of a locked name says nothing of the lock', async () => {
    const page = await refused(NAMES['account locked by failures, right password'], undefined)
    expect(page.headers['retry-after']).to.equal(undefined)
    expect(page.text).not.to.match(/locked|disabled|too many/i)
  })
})
