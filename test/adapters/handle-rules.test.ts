import { expect } from 'chai'
import { handlesOf, handleTaken } from '../../src/adapters/handle-rules.ts'
import { MfaError } from '../../src/domain/errors.ts'

describe('the handles of a record', () => {
  it('are those at its top, each once', () => {
    expect(handlesOf({ handles: ['b', 'a', 'b', ''] })).to.deep.equal(['b', 'a', ''])
    for (const record of [{}, { handles: [] }, { inside: { handles: ['a'] } }])
      expect(handlesOf(record)).to.deep.equal([])
  })

  it('are an array of strings: a record with anything else is not saved', () => {
    for (const handles of ['a', { 0: 'a' }, 7, null, [7], [null], [['a']]])
      expect(() => handlesOf({ handles }), JSON.stringify(handles)).to.throw(TypeError)
  })

  it('R33 of another account are refused without a word of the handle or its owner', () => {
    const cause = new Error('dup key: { handles: "key" }')
    const error = handleTaken(cause)
    expect(error).to.be.instanceOf(MfaError)
    expect(error).to.include({ code: 'handle-taken', status: 409, cause })
    expect(error.message).to.equal('A handle of the record belongs to another account')
  })
})
