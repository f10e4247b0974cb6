import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { setUpOf, type DecidedSetUp } from '../../interactions/mfa/set-up.ts'
import type { Decision } from '../../src/domain/policy/decide.ts'
import type { Rule } from '../../src/domain/policy/rules.ts'
import { corePolicy } from './core-policy.ts'

const UNTIL = 1_800_000_000
const decision = (changes: Partial<Decision>): Decision => ({
  step: 'enrol',
  reason: 'policy',
  target: 1,
  acr: 'urn:multi-factor',
  rules: [],
  trustSeconds: 0,
  ...changes,
})
/** The set-up of the pages, by a decision and the one after a factor. */
const setUp = (
  decided: Decision,
  {
    next,
    rules = [],
    ...rest
  }: Partial<DecidedSetUp> & { rules?: readonly Rule[]; enrolled?: boolean } = {},
) => {
  const policy = {
    ...corePolicy.policy,
    present: () => ({ ...corePolicy.policy.present(), rules }),
  }
  const { enrolled = false, ...about } = rest
  return setUpOf(
    { ...corePolicy, policy } as unknown as Core,
    {
      decision: decided,
      next,
      inTurn: { left: [], notEnough: [] },
      change: undefined,
      later: undefined,
      ...about,
    },
    { enrolled, createdAt: undefined },
  )
}

describe('the set-up that the pages make', () => {
  it('is of the factors that the policy asks for', () => {
    const listed = decision({ factors: ['totp'] })
    expect(setUp(listed)).to.deep.equal({ reason: 'policy', factors: ['totp'] })
    expect(setUp(decision({}))).to.deep.equal({ reason: 'policy' })
    const verify = decision({ step: 'verify', factors: ['backup-codes'] })
    const after = setUp(verify, { next: listed, enrolled: true })
    expect(after).to.deep.include({ factors: ['totp'], change: { kind: 'add' } })
    // A page that asks for a code sets nothing up.
    expect(setUp(verify, { enrolled: true })).not.to.have.any.keys('factors', 'change')
  })

  it('R14 offers to trust the browser only on the page that asks for a factor', () => {
    const verify = decision({ step: 'verify', trustSeconds: 60 })
    expect(setUp(verify, { enrolled: true })).to.include({ trustSeconds: 60 })
    for (const decided of [
      decision({ step: 'verify' }),
      decision({ trustSeconds: 60 }),
      decision({ step: 'none', trustSeconds: 60 }),
    ])
      expect(setUp(decided, { enrolled: true })).not.to.have.property('trustSeconds')
  })

  it('says that a second device is asked for only where the rule that waits asks for one', () => {
    const rules: readonly Rule[] = [
      { name: 'two devices', when: {}, redundancy: true },
      { name: 'the key', when: {}, factors: ['key'] },
    ]
    const reasonWith = (name: string, part: 'grace' | 'counts') => {
      const waiting = decision({
        step: 'enrol-later',
        until: UNTIL,
        rules: [{ name, part }],
      } as never)
      return setUp(waiting, { rules, enrolled: true }).reason
    }
    expect(reasonWith('two devices', 'grace')).to.equal('redundancy')
    expect(reasonWith('the key', 'grace')).to.equal('change')
    expect(reasonWith('two devices', 'counts')).to.equal('change')
    const due = decision({ reason: 'redundancy' })
    expect(setUp(due, { rules, enrolled: true }).reason).to.equal('redundancy')
  })
})
