import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'

describe('an error of the product', () => {
  it('has a code for programs, and the status of a server fault unless another is given', () => {
    const error = new MfaError('record-contended', 'It kept changing')
    expect(error).to.be.instanceOf(Error)
    expect(error).to.include({ name: 'MfaError', code: 'record-contended', status: 500 })
    expect(error).not.to.have.property('cause')
  })

  it('R32 says when to try again during an outage, and only then', () => {
    const headersAt = (status: number) => new MfaError('account-unknown', '', { status }).headers
    expect(headersAt(503)).to.deep.equal({ 'Retry-After': '5' })
    for (const status of [404, 410, 429, 500]) expect(headersAt(status)).to.deep.equal({})
  })

  it('keeps its cause apart from its message', () => {
    const cause = new Error('password=hunter2')
    const error = new MfaError('storage-unavailable', 'The storage is away', { status: 503, cause })
    expect(error).to.include({ status: 503, cause })
    expect(error.message).not.to.include('hunter2')
  })
})
