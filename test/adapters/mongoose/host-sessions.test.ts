import { expect } from 'chai'
import { openMongoStorage } from '../../../src/adapters/mongoose/server-storage.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { inParallel } from '../../../src/testing/runner.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const ROUNDS = 20
const AT_ONCE = 8

describe('sessions of the host on two connections to MongoDB', function () {
  this.timeout(60_000)
  let database: Awaited<ReturnType<typeof openDatabase>>
  let nodes: readonly ServerStorage[] = []

  before(async function () {
    database = await openDatabase(await requireMongodb(this))
    nodes = [
      await openMongoStorage({ url: database.url }),
      await openMongoStorage({ url: database.url }),
    ]
  })
  after(async () => {
    for (const node of nodes) await node.close()
    await database?.close()
  })

  const sessionsOf = (nth: number) => nodes[nth % 2]!.hostRecords('Session')

  it('R18 R19 none that ended comes back with a new one that is stored meanwhile', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const uid = `uid-${round}`
      const id = `first-${round}`
      await sessionsOf(0).upsert(id, { uid }, 3600)
      await Promise.all([
        inParallel(AT_ONCE, async (nth) =>
          sessionsOf(nth).upsert(`other-${round}-${nth}`, { uid }, 3600),
        ),
        sessionsOf(round).destroy(id),
      ])
      expect(await sessionsOf(0).find(id), id).to.equal(undefined)
    }
  })

  it('R18 loses none of the sessions of one uid that are stored at once', async () => {
    await inParallel(AT_ONCE, async (nth) =>
      sessionsOf(nth).upsert(`at-once-${nth}`, { uid: 'u' }, 3600),
    )
    for (let nth = 0; nth < AT_ONCE; nth += 1)
      expect(await sessionsOf(nth + 1).find(`at-once-${nth}`)).to.deep.equal({ uid: 'u' })
  })
})
