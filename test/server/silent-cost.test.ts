import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { systemClock } from '../../src/adapters/crypto/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { counted } from '../support/counted.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  atTheApp,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

/** 200 rules with every kind of condition. One in ten matches, and the sign-in has met them all. */
const RULES = Array.from({ length: 200 }, (_, nth) => ({
  name: `rule ${nth}`,
  when:
    nth % 10 === 0
      ? { group: ['staff', '!guests'], network: '127.0.0.0/8', newBrowser: false }
      : { client: [`client-${nth}`], scope: 'email', firstParty: true },
  require: 'multi-factor',
  maxAgeSeconds: 3_600 + nth,
  ...(nth % 20 === 0 ? { enrol: { graceSeconds: 86_400 } } : {}),
}))

const { client_secret: _, ...BARE } = APP
/** An app without a secret, so that the test can store it as it is. */
const PUBLIC_APP = { ...BARE, token_endpoint_auth_method: 'none' }

/** A storage that tells the calls of every port. */
function countedStorage(storage: ServerStorage, note: (call: string) => void): ServerStorage {
  const { records, oneTime, counters, audit, hostRecords } = storage
  const { accounts, accountRecords, clients, settings, outbox, leases, nodes } = storage
  return {
    ...storage,
    records: counted('records', records, note),
    oneTime: counted('oneTime', oneTime, note),
    counters: counted('counters', counters, note),
    audit: counted('audit', audit, note),
    accounts: counted('accounts', accounts, note),
    accountRecords: counted('accountRecords', accountRecords, note),
    clients: counted('clients', clients, note),
    settings: counted('settings', settings, note),
    outbox: counted('outbox', outbox, note),
    leases: counted('leases', leases, note),
    nodes: counted('nodes', nodes, note),
    hostRecords: (model) => counted(model, hostRecords(model), note),
  }
}

describe('the cost of a single sign-on without a page, on the server', () => {
  let server: TestServer
  const browser = new HttpClient()
  /** The calls of the last request, and of nothing that the server does beside it, such as sending mails. */
  const calls: string[] = []
  const note = (call: string): void => {
    if (inRequest.getStore() === url) calls.push(call)
  }
  const inRequest = new AsyncLocalStorage<string | undefined>()
  const enter = (message: unknown): void =>
    inRequest.enterWith((message as { readonly request: IncomingMessage }).request.url)
  let url = ''
  const start = systemClock.now()
  const clock = { ahead: 0, now: () => start + clock.ahead }

  before(async () => {
    subscribe('http.server.request.start', enter)
    const storage = memoryStorage({ clock })
    server = await startServer({
      clock,
      storage: countedStorage(storage, note),
      clients: [],
      settings: { policy: { rules: RULES } },
    })
    await storage.clients.put('app', PUBLIC_APP)
    const person = await addPerson(server, { groups: ['staff'] })
    const back = await signIn(browser, server.authorize(), person, server)
    expect(back.location?.searchParams.has('code'), back.text).to.equal(true)
  })
  after(async () => {
    unsubscribe('http.server.request.start', enter)
    await stopServers()
  })

  /** Sends the request of an app `seconds` after the one before. */
  async function silently(seconds: number): Promise<URLSearchParams> {
    clock.ahead += seconds
    calls.splice(0)
    const start = server.authorize({ prompt: 'none', state: `after ${clock.ahead} s` })
    url = `${start.pathname}${start.search}`
    const back = await browser.visit(start, atTheApp)
    // A call that the request makes after its answer belongs to it.
    await new Promise(setImmediate)
    return back.location!.searchParams
  }

  const OF_EACH = [
    'AuthorizationCode.upsert',
    'Grant.find',
    'Session.find',
    'Session.upsert',
    'accounts.byId',
    'records.load',
  ]

  it('is two reads and two writes of the host, the account and its record, and no client for 5 s, with 200 rules', async () => {
    // The first request reads the client; those of the next 5 s go by what it has read.
    for (const [seconds, client] of [
      [60, ['clients.get']],
      [0, []],
      [4, []],
      [1, ['clients.get']],
      [1, []],
    ] as const) {
      expect((await silently(seconds)).has('code')).to.equal(true)
      expect(calls.toSorted()).to.deep.equal([...OF_EACH, ...client].toSorted())
    }
  })

  it('is that of rules in force: they ask again when the factor has grown too old', async () => {
    expect((await silently(3_600)).get('error')).to.equal('interaction_required')
  })
})
