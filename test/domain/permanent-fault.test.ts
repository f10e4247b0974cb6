import { expect } from 'chai'
import { isPermanentFault } from '../../src/domain/permanent-fault.ts'

const mongo = (name: string, members: object = {}): Error =>
  Object.assign(new Error('x'), { name, ...members })
const sqlite = (errcode: number, message = 'x'): Error =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode })

describe('a fault of a storage', () => {
  it('is permanent if MongoDB or its driver refuses the operation itself', () => {
    for (const error of [
      mongo('MongoServerError', { code: 121 }),
      mongo('MongoServerError', { code: 13 }),
      mongo('MongoServerError', { code: 14 }),
      mongo('MongoServerError', { code: 28 }),
      mongo('MongoServerError', { code: 73 }),
      mongo('MongoServerError', { code: 166 }),
      mongo('MongoServerError', { code: 10_334 }),
      mongo('MongoBulkWriteError', {
        code: 11_000,
        writeErrors: [{ code: 11_000 }, { code: 121 }],
      }),
      mongo('MongoBulkWriteError', { code: 11_000, writeErrors: { code: 121 } }),
      mongo('BSONError'),
      mongo('MongoInvalidArgumentError'),
      mongo('MongooseError', { cause: mongo('MongoServerError', { code: 121 }) }),
    ])
      expect(isPermanentFault(error), JSON.stringify(error)).to.equal(true)
  })

  it('is permanent if SQLite finds the file damaged or the data unfit', () => {
    // 267 is SQLITE_CORRUPT_VTAB, an extended code.
    for (const code of [11, 18, 19, 20, 26, 267, 1299])
      expect(isPermanentFault(sqlite(code)), String(code)).to.equal(true)
    for (const message of ['no such table: accounts', 'no such column: names'])
      expect(isPermanentFault(sqlite(1, message)), message).to.equal(true)
  })

  it('R32 is passing if the storage is away, slow, locked, full or read-only, or nothing is known', () => {
    for (const error of [
      mongo('MongoNetworkError'),
      mongo('MongoServerSelectionError'),
      mongo('MongoNotConnectedError'),
      mongo('MongoTopologyClosedError'),
      // UnknownError, WriteConcernFailed, NotWritablePrimary, ShutdownInProgress, OutOfDiskSpace.
      ...[8, 64, 10_107, 91, 14_031].map((code) => mongo('MongoServerError', { code })),
      mongo('MongoBulkWriteError', { code: 11_000, writeErrors: [{ code: 11_000 }] }),
      // SQLITE_BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN, and a plain SQLITE_ERROR.
      ...[5, 6, 8, 10, 13, 14, 1].map((code) => sqlite(code)),
      Object.assign(new Error('x'), { code: 'ENOSPC' }),
      // A code that another program means otherwise.
      Object.assign(new Error('x'), { code: 121 }),
      new TypeError('no such table: accounts'),
      sqlite(1, 'it said: no such table: accounts'),
      mongo('NoMongoServerError', { code: 121 }),
      mongo('NoBSONError'),
      mongo('MongoNoBSONError'),
      mongo('BSONErrorOfOurs'),
      'MongoServerError',
      undefined,
    ])
      expect(isPermanentFault(error), String(error)).to.equal(false)
  })

  it('looks at a bounded number of causes', () => {
    const circular = new Error('x')
    circular.cause = circular
    expect(isPermanentFault(circular)).to.equal(false)
    const within = (depth: number): Error =>
      depth === 0 ? mongo('BSONError') : new Error('x', { cause: within(depth - 1) })
    expect([7, 8].map((depth) => isPermanentFault(within(depth)))).to.deep.equal([true, false])
  })
})
