import { expect } from 'chai'
import mongoose, { type mongo } from 'mongoose'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import {
  addPerson,
  atTheApp,
  redeem,
  signIn,
  startServer,
  stopServers,
  tokenRequest,
  type TestServer,
} from '../../server/support.ts'
import { HttpClient } from '../../support/http-client.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

/** The number of other people's documents in each collection, so that a query that examines all of them is noticed. */
const OTHERS = 200

interface Query {
  readonly collection: string
  readonly command: string
  readonly filter: mongo.Document
  readonly sort: mongo.Document
  readonly limit: number
}

describe('what a sign-in asks of MongoDB', function () {
  this.timeout(60_000)
  let database: Awaited<ReturnType<typeof openDatabase>>
  let server: TestServer
  let storage: ServerStorage
  /** The queries for accounts and records that each named request has made, in order. */
  const reads: Record<string, readonly string[]> = {}
  const queries: Query[] = []

  before(async function () {
    database = await openDatabase(await requireMongodb(this))
    const url = new URL(database.url)
    url.searchParams.set('monitorCommands', 'true')
    storage = await openMongoStorage({ url: url.href, encryptionKeys: [Buffer.alloc(32, 1)] })
    server = await startServer({ storage })
    const alice = await addPerson(server)
    await fillWithOthers()
    // The storage has opened this connection; the name of the database identifies it.
    const connection = mongoose.connections.findLast(({ name }) => name === url.pathname.slice(1))
    connection!.getClient().on('commandStarted', collect)

    const browser = new HttpClient()
    await signIn(browser, server.authorize(), alice, server)
    server.clock.ahead += 60
    const back = await signIn(
      new HttpClient(),
      server.authorize({ scope: 'openid offline_access', prompt: 'consent' }),
      alice,
      server,
    )
    const { body } = await readsOf('code', () => redeem(server, back))
    const refresh_token = body['refresh_token'] as string
    const refreshed = await readsOf('refresh', () =>
      tokenRequest(server, { grant_type: 'refresh_token', refresh_token }),
    )
    expect(refreshed.status).to.equal(200)
    const silent = await readsOf('silent', () =>
      browser.visit(server.authorize({ prompt: 'none' }), atTheApp),
    )
    expect(silent.location?.searchParams.has('code')).to.equal(true)
    const another = new HttpClient()
    const login = await another.visit(server.authorize())
    const proved = await readsOf('password', () =>
      another.submit(login, { username: alice.username, password: alice.password }),
    )
    expect(proved.status).to.equal(303)
    await browser.submit(await browser.visit(new URL('/session/end', server.issuer)))
    // The pages of an account list its sessions and grants.
    expect(await storage.accountRecords.list('Session', 'other-7')).to.have.length(1)
    expect(await storage.accountRecords.list('Grant', 'other-7')).to.have.length(1)
    // A sign-in with a credential that names its account makes this query.
    expect(await storage.records.findByHandle('handle of other-7')).to.equal('other-7')
  })
  after(async () => {
    await stopServers()
    await database?.close()
  })

  function collect({ commandName, command }: mongo.CommandStartedEvent): void {
    const on = (filter: mongo.Document, sort = {}, limit = 0): void =>
      void queries.push({
        collection: command[commandName] as string,
        command: commandName,
        filter,
        sort,
        limit,
      })
    if (commandName === 'find') on(command['filter'], command['sort'], command['limit'])
    if (commandName === 'findAndModify') on(command['query'], command['sort'], 1)
    if (commandName === 'aggregate') {
      const [{ $match }, { $lookup }, { $unionWith }] = command['pipeline']
      on($match)
      const within = { sort: {}, limit: 0 }
      queries.push(
        // `$lookup` searches by a value of the document that the first stage has found.
        {
          collection: $lookup.from,
          command: '$lookup',
          ...within,
          filter: { [$lookup.foreignField]: $match[$lookup.localField] },
        },
        {
          collection: $unionWith.coll,
          command: '$unionWith',
          ...within,
          filter: $unionWith.pipeline[0].$match,
        },
      )
    }
    for (const { q } of (command['updates'] ?? command['deletes'] ?? []) as { q: mongo.Document }[])
      on(q)
  }

  async function readsOf<T>(name: string, request: () => Promise<T>): Promise<T> {
    const before = queries.length
    const answer = await request()
    reads[name] = queries
      .slice(before)
      .filter(({ command }) => command === 'find' || command === 'aggregate')
      .map(({ collection, filter }) => shapeOf(collection, filter))
      .filter((shape) => /^mfa_(accounts|records) /.test(shape))
    return answer
  }

  /** Adds so many other documents to each collection that a query which examines all of them is noticed. */
  async function fillWithOthers(): Promise<void> {
    const far = Math.floor(Date.now() / 1000) + 24 * 3600
    await Promise.all(
      Array.from({ length: OTHERS }, async (_, nth) => {
        const id = `other-${nth}`
        await storage.records.save(id, { handles: [`handle of ${id}`] }, 0)
        await storage.oneTime.put(id, {}, far)
        await storage.counters.reserve(id, { limit: 5, windowSeconds: 3600 }, far)
        await storage.clients.put(id, {})
        await storage.settings.insert(id, {})
        await storage.hostRecords('Session').upsert(id, { uid: id, accountId: id }, 3600)
        await storage.hostRecords('Grant').upsert(id, { accountId: id }, 3600)
        await storage.hostRecords('AccessToken').upsert(id, { grantId: id }, 3600)
        await storage.hostRecords('DeviceCode').upsert(id, { userCode: id }, 3600)
        await storage.accounts.insert({ id } as never, { username: id })
      }),
    )
  }

  const keyIn = (filter: mongo.Document): mongo.Document => {
    const key = ['_id', 'dueAt', 'accountId'].find((name) => name in filter)
    return key === undefined ? filter : { [key]: filter[key] }
  }

  it('is found by an index, and one document is examined for it', async () => {
    const shapes = new Set(queries.map(({ collection, filter }) => shapeOf(collection, filter)))
    const { setName } = await database.connection.getClient().db().command({ hello: 1 })
    // MongoDB finds a document by `_id` and compares the other fields of the filter with that document only. The
    // stand-in examines all documents if the filter has other fields, so there the test uses the `_id` alone, and of
    // the outbox the time or the account.
    const standsIn = setName === 'secantus'
    expect(shapes.size).to.be.greaterThan(10)
    for (const { collection, command, filter, sort, limit } of queries) {
      const plan = await database.connection
        .getClient()
        .db()
        .collection(collection)
        .find(standsIn ? keyIn(filter) : filter)
        .sort(sort)
        .limit(limit)
        .explain('executionStats')
      const about = `${command} of ${shapeOf(collection, filter)}`
      expect(JSON.stringify(plan['queryPlanner']), about).not.to.contain('COLLSCAN')
      // All records of a grant are deleted at once, and all links mailed to an account; there are more than one.
      // The first entry of a chain looks for earlier ones, from the newest on; the stand-in sorts after it has read.
      if (standsIn && collection === 'mfa_audit' && 'chain' in filter) continue
      const most = 'grant' in filter || 'accountId' in filter ? 2 : 1
      expect(plan['executionStats'].totalDocsExamined, about).to.be.at.most(most)
    }
  })

  it('reads accounts, records and sessions by what identifies them', () => {
    const shapes = queries.map(({ collection, filter }) => shapeOf(collection, filter))
    expect(shapes).to.include.members([
      'mfa_accounts by names',
      'mfa_accounts by _id',
      'mfa_records by _id',
      'mfa_records by _id, version',
      'mfa_records by handles',
      'mfa_host_sessions by ids',
      'mfa_host_records by _id',
    ])
  })

  it('reads an account with its record where a request needs both', () => {
    const together = ['mfa_records by _id']
    expect(reads).to.deep.equal({
      code: together,
      refresh: together,
      silent: together,
      // The account is found by its name. The record is read again after the hash, for the pending first factor.
      password: ['mfa_accounts by names', ...together, 'mfa_records by _id'],
    })
  })
})

function shapeOf(collection: string, filter: mongo.Document): string {
  return `${collection} by ${Object.keys(filter).join(', ')}`
}
