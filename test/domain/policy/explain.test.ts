import { expect } from 'chai'
import type { Authenticator, Decision, RulePart } from '../../../src/domain/policy/decide.ts'
import {
  answersTo,
  differs,
  explained,
  toldOf,
  trailOf,
} from '../../../src/domain/policy/explain.ts'
import { AUTHENTICATORS } from './cases.ts'

const RULES: readonly RulePart[] = [
  { name: 'counts', matched: true, part: 'counts' },
  { name: 'waits', matched: true, part: 'grace' },
  { name: 'is optional', matched: true, part: 'optional' },
  { name: 'is elsewhere', matched: false, part: 'no-match' },
]
const decision = (part: Partial<Decision> = {}): Decision => ({
  step: 'verify',
  reason: 'policy',
  target: 1,
  acr: 'mfa',
  trustSeconds: 0,
  rules: RULES,
  ...part,
})
const passing = decision({ step: 'none', reason: 'nothing-asked', target: 0, acr: 'password' })

describe('a decision in words', () => {
  it('has one word for each step', () => {
    const words = (['none', 'login', 'verify', 'enrol', 'enrol-later', 'unmet'] as const).map(
      (step) => explained(decision({ step })).decision,
    )
    expect(words).to.deep.equal(['pass', 'verify', 'verify', 'enrol', 'enrol-later', 'refuse'])
  })

  it('has the acr, the reason and the part of each rule as they were decided', () => {
    expect(explained(decision())).to.deep.equal({
      decision: 'verify',
      acr: 'mfa',
      reason: 'policy',
      rules: RULES,
    })
  })

  it('names in the trail the rules that take part, also one whose grace runs', () => {
    expect(toldOf(decision())).to.deep.equal({ decision: 'verify', rules: ['counts', 'waits'] })
  })
})

describe('what a person can do about a decision', () => {
  const { totp, barred, codes } = AUTHENTICATORS as Record<string, Authenticator>
  const answers = (
    own: readonly (Authenticator | undefined)[],
    part: Partial<Decision> = {},
    next?: Decision,
  ) => {
    const authenticators = own.filter((one) => one !== undefined)
    const person = { authenticators, metAt: {}, mayPostpone: false, postponed: false }
    return answersTo(decision(part), person, next)
  }

  it('is to show one of the factors that count and that the settings accept', () => {
    expect(answers([totp, totp, codes])).to.deep.equal({ answers: ['totp', 'backup-codes'] })
    expect(answers([totp, codes], { factors: ['totp'] })).to.deep.equal({ answers: ['totp'] })
    expect(answers([barred, totp])).to.deep.equal({ answers: ['totp'] })
    expect(answers([barred])).to.deep.equal({ answers: [] })
    expect(answers([barred, totp], { factors: ['passkey'] })).to.deep.equal({ answers: [] })
  })

  it('is to set up a factor after it, where the next decision asks for that', () => {
    const next = decision({ step: 'enrol' })
    expect(answers([totp], {}, next)).to.deep.equal({ answers: ['totp'], thenEnrols: true })
    expect(answers([totp], {}, passing)).to.deep.equal({ answers: ['totp'] })
  })

  it('is nothing of the kind where no second factor is asked for', () => {
    for (const step of ['none', 'login', 'enrol', 'enrol-later', 'unmet'] as const)
      expect(answers([totp], { step }), step).to.equal(undefined)
  })
})

describe('the entry of a decision in the trail', () => {
  it('is written where a page is shown or a request is refused', () => {
    const rules = ['counts', 'waits']
    for (const step of ['login', 'verify', 'enrol', 'enrol-later', 'unmet'] as const)
      expect(trailOf(decision({ step }), undefined), step).to.deep.equal({
        decision: explained(decision({ step })).decision,
        rules,
      })
  })

  it('is not written for a request that passes, also beside rules on trial that decide alike', () => {
    expect(trailOf(passing, undefined)).to.equal(undefined)
    expect(trailOf(passing, { ...passing, rules: [] })).to.equal(undefined)
  })

  it('is written for a request that passes after a page which offers a factor', () => {
    expect(trailOf(passing, undefined, true)).to.deep.equal({
      decision: 'pass',
      rules: ['counts', 'waits'],
    })
  })

  it('has both decisions where the rules on trial decide otherwise, also for a request that passes', () => {
    expect(trailOf(passing, decision({ step: 'enrol', rules: [RULES[0]!] }))).to.deep.equal({
      decision: 'pass',
      rules: ['counts', 'waits'],
      shadow: { decision: 'enrol', rules: ['counts'] },
    })
  })

  it('has no second decision where both are alike', () => {
    expect(trailOf(decision(), decision({ rules: [] }))).to.not.have.property('shadow')
  })
})

describe('two decisions differ', () => {
  it('by the step, the acr, and the factors that count', () => {
    expect(differs(decision(), decision({ step: 'enrol' }))).to.equal(true)
    expect(differs(decision(), decision({ acr: 'phr' }))).to.equal(true)
    expect(differs(decision(), decision({ factors: ['totp'] }))).to.equal(true)
  })

  it('neither by the order of the factors, nor by a step for which the trail has the same word', () => {
    const [one, other] = [
      ['a', 'b'],
      ['b', 'a'],
    ].map((factors) => decision({ factors }))
    expect(differs(one!, other!)).to.equal(false)
    expect(differs(decision(), decision({ step: 'login' }))).to.equal(false)
  })

  it('by no factors that count where nothing is asked for', () => {
    expect(differs(passing, { ...passing, factors: ['totp'] })).to.equal(false)
  })
})
