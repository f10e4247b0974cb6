import { expect } from 'chai'
import { decide, type Decision } from '../../../src/domain/policy/decide.ts'
import type { Authenticator, PolicyInput } from '../../../src/domain/policy/input.ts'
import type { Levels } from '../../../src/domain/policy/levels.ts'
import { acrOf, inputOf, NOW, readCases, type Case } from './cases.ts'

const CASES = readCases()
const ANSWER = [
  'step',
  'reason',
  'says',
  'parts',
  'factors',
  'hardware',
  'limit',
  'until',
  'offered',
] as const
const QUESTION =
  'name http person groups proofs client scopes acr essential acrMaxAge maxAge prompt device ' +
  'address newBrowser firstParty trustedAt trustedBy trust rules metAt mayPostpone postponed offers'

/** A decision in the form of a case. */
function told(decision: Decision): Omit<Pick<Case, (typeof ANSWER)[number]>, 'says'> & {
  readonly says: string
} {
  const { step, reason, acr, rules, factors, needsHardware } = decision
  const { maxAgeSeconds, until, trustSeconds } = decision
  return {
    step,
    reason,
    says: acr,
    parts: rules.map(({ part }) => part).join(' '),
    ...(factors === undefined ? {} : { factors }),
    ...(needsHardware === undefined ? {} : { hardware: needsHardware }),
    ...(maxAgeSeconds === undefined ? {} : { limit: maxAgeSeconds }),
    ...(until === undefined ? {} : { until: until - NOW }),
    ...(trustSeconds === 0 ? {} : { offered: trustSeconds }),
  }
}

describe('the table of the policy', () => {
  it('has more than 200 cases, each with a name of its own', () => {
    expect(CASES).to.have.length.above(200)
    expect(new Set(CASES.map(({ name }) => name)).size).to.equal(CASES.length)
  })

  it('has no member that is not read', () => {
    const known = [...QUESTION.split(' '), ...ANSWER]
    for (const one of CASES) expect(known).to.include.members(Object.keys(one))
  })

  it('has more than 100 cases that a client can cause with an app and backup codes', () => {
    const overHttp = CASES.filter(({ http }) => http === true)
    expect(overHttp).to.have.length.above(100)
    for (const { name, person = '', proofs, offers, address } of overHttp) {
      expect(proofs, name).to.match(/^pwd@\S+( (otp|code)@(-\d+|now))*$/)
      expect(person, name).to.match(/^(|totp( totp-tablet)?( codes)?)$/)
      expect([offers, address], name).to.deep.equal([undefined, undefined])
      // Only a trusted browser gives a person with a factor a session by the password alone.
      const isPasswordOnly = /^pwd@-\d+$/.test(proofs)
      expect(isPasswordOnly && person !== '', name).to.equal(false)
    }
  })
})

describe('the policy', () => {
  for (const one of CASES)
    it(one.name, () => {
      const decision = decide(inputOf(one))
      const expected = Object.fromEntries(
        ANSWER.flatMap((key) => (key in one ? [[key, one[key]]] : [])),
      )
      expect(told(decision)).to.deep.equal({ ...expected, says: acrOf(one.says) })
      expect(decision.standIn !== undefined).to.equal(one.reason === 'trusted-browser')
      for (const { part, matched } of decision.rules) expect(matched).to.equal(part !== 'no-match')
    })

  it('asks for the password where only that is too old, and for no factor', () => {
    const input = inputOf({
      ...CASES[0]!,
      person: 'totp',
      proofs: 'pwd@-700',
      rules: ['pwd-10min'],
    })
    // The rule for a person's own choice would ask for the factor.
    const [, rule] = input.rules
    expect(decide({ ...input, rules: [rule!] })).to.include({ step: 'login', reason: 'policy' })
  })

  it('lets a second device be set up on a factor of the same request, however long its pages took', () => {
    const input = inputOf({
      ...CASES[0]!,
      person: 'totp',
      proofs: 'pwd@-1000 otp@-900',
      rules: ['two-devices'],
    })
    const { begunAt: _, ...later } = input.request
    const request = { ...later, begunAt: NOW - 1000 }
    expect(decide({ ...input, request })).to.include({ step: 'enrol', reason: 'redundancy' })
    expect(decide({ ...input, request: later })).to.include({ step: 'verify' })
  })

  it('names no factor where the person needs two of them together', () => {
    const input = inputOf({ ...CASES[0]!, proofs: 'sso@-60', rules: ['phr'] })
    const own = { isBackup: false, device: 'desk' }
    const authenticators: readonly Authenticator[] = [
      { ...own, factor: 'key', kinds: ['possession'], phishingResistant: true },
      { ...own, factor: 'pin', kinds: ['knowledge'], phishingResistant: false },
    ]
    const decision = decide({ ...input, person: { ...input.person, authenticators } })
    expect(decision).to.include({ step: 'verify' }).and.not.to.have.property('factors')
  })

  it('lets no trusted browser stand in for a token whose authorization named a level', () => {
    const input = inputOf({
      ...CASES[0]!,
      person: 'totp',
      proofs: 'pwd@-60',
      trust: 3600,
      trustedAt: -30,
    })
    expect(decide(input)).to.include({ step: 'none', reason: 'trusted-browser' })
    const request = { ...input.request, acrs: [acrOf('multi-factor')] }
    const decision = decide({ ...input, request })
    expect(decision).to.include({ step: 'verify' }).and.not.to.have.property('standIn')
  })

  describe('with levels that each first factor reaches', () => {
    const LOW = { name: 'low', acr: 'urn:low', kinds: 1 }
    const LEVELS: Levels = [LOW, { name: 'next', acr: 'urn:next', kinds: 1 }]
    const decided = (one: Partial<Case>, levels: Levels, change: Partial<PolicyInput> = {}) =>
      decide({ ...inputOf({ ...CASES[0]!, ...one }), levels, ...change })

    it('counts a rule for the second of them', () => {
      const rules = [{ name: 'next', when: {}, require: 'urn:next' }]
      const { step, target, rules: parts } = decided({}, LEVELS, { rules })
      expect([step, target, parts[0]?.part]).to.deep.equal(['none', 1, 'counts'])
    })

    it('asks a person who has a factor for it', () => {
      for (const levels of [[LOW], LEVELS] as const)
        expect(decided({ person: 'totp' }, levels)).to.include({ step: 'verify', reason: 'chosen' })
      expect(decided({ person: 'totp', proofs: 'pwd@now otp@now' }, [LOW]).step).to.equal('none')
    })
  })
})
