import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'

describe('an error of the product', () => {
  it('has a code for programs, and the status of a server fault unless another is given', () => {
    const error = new MfaError('record-contended', 'It kept changing')
    expect(error).to.be.instanceOf(Error)
    expect(error).to.include({ name: 'MfaError', code: 'record-contended', status: 500 })
    expect(error).not.to.have.property('cause')
  })

  it('keeps its cause apart from its message', () => {
    const cause = new Error('password=hunter2')
    const error = new MfaError('storage-unavailable', 'The storage is away', { status: 503, cause })
    expect(error).to.include({ status: 503, cause })
    expect(error.message).not.to.include('hunter2')
  })
})
