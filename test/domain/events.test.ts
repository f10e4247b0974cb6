import { expect } from 'chai'
import { EVENT_TYPES, isOfOwner, mustSurvivePowerFailure } from '../../src/domain/events.ts'

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

describe('the entry of an event', () => {
  it('R47 survives a power failure, except for a decision of the policy that refuses nothing', () => {
    const survives = (type: string, detail = {}): boolean =>
      mustSurvivePowerFailure({ type, detail })
    for (const type of [...EVENT_TYPES, 'pigeon-sent'])
      expect(survives(type, { decision: 'refuse' }), type).to.equal(true)
    for (const type of EVENT_TYPES)
      expect(survives(type, { decision: 'verify' }), type).to.equal(type !== 'policy-decided')
  })
})
