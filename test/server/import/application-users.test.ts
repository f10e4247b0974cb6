import { expect } from 'chai'
import mongoose, { type Connection } from 'mongoose'
import {
  applicationUsers,
  readUserId,
  type UserDocument,
} from '../../../src/server/import/application-users.ts'
import { openDatabase } from '../../support/mongodb.ts'
import { requireMongodb } from '../../support/requirements.ts'

const { ObjectId, UUID, Binary, Long } = mongoose.mongo

describe('the users of an application', () => {
  let connection: Connection
  let close: (() => Promise<void>) | undefined
  let requests: Record<string, unknown>[]

  before(async function () {
    const url = await requireMongodb(this)
    ;({ connection, close } = await openDatabase(url, { monitorCommands: true }))
    connection.getClient().on('commandStarted', ({ commandName, command }) => {
      if (['find', 'getMore'].includes(commandName)) requests.push(command)
    })
  })
  // Without MongoDB the suite is skipped before `close` is set.
  after(() => close?.())
  beforeEach(async () => {
    await connection.db!.collection('users').deleteMany({})
    requests = []
  })

  const insert = (documents: readonly object[]) =>
    connection.db!.collection('users').insertMany(documents)
  const open = () => applicationUsers(connection, 'users', ['secret'])
  const read = async (size: number, between: () => unknown = () => undefined) => {
    const batches: (readonly UserDocument[])[] = []
    for await (const batch of open().batches(size)) {
      batches.push(batch)
      await between()
    }
    return batches
  }

  it('are read in the order of _id, so many at a time and nothing but what is asked for', async () => {
    const ids = Array.from({ length: 300 }, (_, nth) => nth)
    await insert(
      ids.toReversed().map((_id) => ({ _id, secret: `s${_id}`, photo: 'x'.repeat(1000) })),
    )
    const batches = await read(100)
    expect(batches.map(({ length }) => length)).to.deep.equal([100, 100, 100])
    expect(batches.flat()).to.deep.equal(ids.map((_id) => ({ _id, secret: `s${_id}` })))
    // Each query is limited to one batch, so that no document is sent before it is asked for.
    expect(requests.map(({ limit }) => limit)).to.deep.equal(requests.map(() => 100))
  })

  it('are all read where their _id are of several types', async () => {
    const ids = [1, 2.5, Long.fromString('9007199254740993'), 'a', 'b', 'c', { a: 1 }]
    const others = [new UUID(), new ObjectId(), new ObjectId(), true, new Date(0)]
    await insert([...ids, ...others].map((_id) => ({ _id })))
    for (const size of [1, 2, 3, 5, 100]) {
      const found = (await read(size)).flat().map(({ _id }) => String(_id))
      expect(found, String(size)).to.have.members([...ids, ...others].map(String))
    }
  })

  it('may go and come while they are read', async () => {
    await insert([1, 2, 3, 4, 5, 6].map((_id) => ({ _id })))
    let nth = 0
    const batches = await read(2, async () => {
      nth += 1
      if (nth === 1)
        await connection.db!.collection('users').deleteMany({ _id: { $in: [2, 3] } } as never)
      if (nth === 3) await insert([{ _id: 7 }])
    })
    expect(batches.flat().map(({ _id }) => _id)).to.deep.equal([1, 2, 4, 5, 6, 7])
  })

  it('lose a field only together with a record that is there', async () => {
    await insert([
      { _id: 'a', secret: 's', mfa: { version: 1, record: '{}' } },
      { _id: 'b', secret: 's' },
      { _id: 'c', secret: 's', mfa: { version: 1, passwordChanged: { times: 1, at: 1 } } },
    ])
    const removed = await Promise.all(
      ['a', 'b', 'c'].map((id) => open().remove(id, ['secret'], true)),
    )
    expect(removed).to.deep.equal([true, false, false])
    const left = await connection.db!.collection('users').find({ secret: 's' }).toArray()
    expect(left.map(({ _id }) => String(_id))).to.have.members(['b', 'c'])
  })

  it('have an account id where their _id can be written as text, and as Mongoose writes it', () => {
    const uuid = '6f6dbd1c-6f0e-4f6e-9d52-9a9f3d1c0d4e'
    const hex = '650000000000000000000001'
    expect(readUserId(new ObjectId(hex))).to.deep.equal({ type: 'ObjectId', accountId: hex })
    expect(readUserId(new UUID(uuid))).to.deep.equal({ type: 'UUID', accountId: uuid })
    expect(readUserId(7)).to.deep.equal({ type: 'Number', accountId: '7' })
    expect(readUserId('ada')).to.deep.equal({ type: 'String', accountId: 'ada' })
    for (const none of [
      '',
      null,
      undefined,
      true,
      {},
      ['a'],
      new Date(0),
      new Binary(Buffer.from('a')),
    ])
      expect(readUserId(none), String(none)).to.equal(undefined)
  })
})
