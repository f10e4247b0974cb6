import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import type { mongo } from 'mongoose'
import { mongoAudit } from '../../../src/adapters/mongoose/audit-trail.ts'
import { sweepAudit } from '../../../src/adapters/mongoose/audit-removed.ts'
import { MongoDatabase } from '../../../src/adapters/mongoose/database.ts'
import { walked } from '../../../src/testing/audit-trail-suite.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const mac = (text: string): string => createHmac('sha256', 'key').update(text).digest('base64url')
const NODE = { name: 'node', mac }
const RETENTION = { before: 100, mac }
const ENTRIES = 8

/** A database that does something else before its operation of a number. */
class Interrupted extends MongoDatabase {
  operations = 0
  at = 0
  meanwhile: () => Promise<unknown> = async () => undefined

  override async on<Row extends mongo.Document, T>(
    collection: string,
    deed: (collection: mongo.Collection<Row>) => Promise<T>,
  ): Promise<T> {
    this.operations += 1
    if (this.operations === this.at) await this.meanwhile()
    return super.on(collection, deed)
  }
}

describe('two sweeps of the trail in MongoDB at once', function () {
  this.timeout(60_000)
  let opened: Awaited<ReturnType<typeof openDatabase>>
  let database: MongoDatabase

  beforeEach(async function () {
    opened = await openDatabase(await requireMongodb(this))
    database = new MongoDatabase(opened.connection)
  })
  afterEach(async () => {
    await opened?.close()
  })

  /**
   * Sweeps two entries, and then `limit` of the rest. Before the operation `at` of this second sweep, others sweep as many
   * as `others` says. False: the second sweep has fewer operations.
   */
  async function sweepBeside(
    limit: number,
    others: readonly number[],
    at: number,
  ): Promise<boolean> {
    for (const collection of ['mfa_audit', 'mfa_audit_chains', 'mfa_audit_removed'])
      await opened.connection.getClient().db().collection(collection).deleteMany({})
    const entries = Array.from({ length: ENTRIES }, (_, index) => ({
      id: `${index}`,
      type: 'locked',
      at: index,
      detail: {},
    }))
    await mongoAudit(database).add(entries, NODE)
    await sweepAudit(database, RETENTION, 2)
    const interrupted = new Interrupted(opened.connection)
    interrupted.at = at
    interrupted.meanwhile = async () => {
      for (const other of others) await sweepAudit(database, RETENTION, other)
    }
    await sweepAudit(interrupted, RETENTION, limit)
    return interrupted.operations >= at
  }

  for (const [limit, others] of [
    [2, [4]],
    [4, [2]],
    [4, [2, 2]],
    [3, [2, 3]],
  ] as const)
    it(`R47 leave a whole chain: one of ${limit}, in which the other one sweeps ${others.join(' and ')}`, async () => {
      for (let at = 1; await sweepBeside(limit, others, at); at += 1) {
        const { fault, verified, removed } = await walked(mongoAudit(database), NODE)
        expect(fault, `before operation ${at}`).to.equal(undefined)
        expect(verified + removed).to.equal(ENTRIES)
      }
    })
})
