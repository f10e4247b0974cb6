import { expect } from 'chai'
import { keyOf } from '../../../src/factors/totp/parameters.ts'

describe('R40 the key of an authenticator app', () => {
  it('is that of the secret, without the zeros that HMAC adds to a key', () => {
    const secret = 'JBSWY3DPEHPK3PXP'
    expect(keyOf({ secret })).to.equal('48656c6c6f21deadbeef')
    // Five more bytes, all zeros: the same codes.
    expect(keyOf({ secret: `${secret}AAAAAAAA` })).to.equal('48656c6c6f21deadbeef')
    expect(keyOf({ secret: 'JBSWY3DPEHPK3PXQ' })).not.to.equal('48656c6c6f21deadbeef')
  })
})
