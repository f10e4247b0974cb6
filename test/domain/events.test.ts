import { expect } from 'chai'
import { isOfOwner } from '../../src/domain/events.ts'

describe('an event of the owner', () => {
  it('follows a proof of the second factor', () => {
    for (const type of ['factor-accepted', 'factor-replaced', 'factors-turned-off', 'signed-in'])
      expect(isOfOwner({ type, detail: {} }), type).to.equal(true)
  })

  it('is none that somebody with the password alone can cause', () => {
    for (const type of ['locked', 'password-suspected', 'recovery-started', 'pigeon-sent'])
      expect(isOfOwner({ type, detail: {} }), type).to.equal(false)
  })

  it('is none of a recovery, which may be somebody else’s', () => {
    for (const type of ['factor-enrolled', 'factor-removed'])
      expect(isOfOwner({ type, detail: { reason: 'recovered' } }), type).to.equal(false)
    expect(isOfOwner({ type: 'factor-removed', detail: { reason: 'turned-off' } })).to.equal(true)
  })
})
