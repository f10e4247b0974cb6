import { expect } from 'chai'
import { errors } from 'oidc-provider'
import { isStorageFailure, storageUnavailable } from '../../../src/adapters/mongoose/failure.ts'

const withCode = (code: string): Error => Object.assign(new Error('...'), { code })
const named = (name: string): Error => Object.assign(new Error('...'), { name })

describe('a failure of MongoDB', () => {
  it('R32 is whatever the driver, Mongoose, the network and Node’s sockets say of one', () => {
    for (const error of [
      named('MongoNetworkError'),
      named('MongooseServerSelectionError'),
      named('BSONError'),
      Object.assign(new Error('...'), { syscall: 'connect' }),
      withCode('EPIPE'),
      withCode('ECONNRESET'),
      withCode('ERR_STREAM_DESTROYED'),
      withCode('ERR_SOCKET_CLOSED'),
      new Error('...', { cause: withCode('EPIPE') }),
    ])
      expect(isStorageFailure(error), error.name).to.equal(true)
  })

  it('is none of what a caller did wrong, and not what was told before', () => {
    for (const error of [
      new TypeError('...'),
      withCode('ERR_ASSERTION'),
      new errors.InvalidGrant('...'),
      storageUnavailable('...', named('MongoNetworkError')),
      undefined,
      'EPIPE',
    ])
      expect(isStorageFailure(error)).to.equal(false)
  })
})
