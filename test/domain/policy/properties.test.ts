import { expect } from 'chai'
import fc from 'fast-check'
import {
  decide,
  type AcrRequest,
  type Authenticator,
  type Decision,
  type PolicyInput,
  type Step,
} from '../../../src/domain/policy/decide.ts'
import { ownChoice } from '../../../src/domain/policy/judge.ts'
import {
  DEFAULT_LEVELS,
  highestReached,
  rankOf,
  type Strength,
} from '../../../src/domain/policy/levels.ts'
import { assertionOf } from '../../../src/domain/policy/proofs.ts'
import { matches, type Rule } from '../../../src/domain/policy/rules.ts'
import { withoutOldLevels } from '../../../src/domain/policy/upstream.ts'
import { anyInput, anyRule, anyTrustedInput } from './any-input.ts'
import { AUTHENTICATORS, inputOf, NOW, PROOFS } from './cases.ts'

const RUNS = { numRuns: 3_000 }
/** A property of some decisions alone is checked for at least so many. */
const LEAST = 300

/** How strict a step is. A step that a person can make is as strict as another one. */
const STRICTNESS: Readonly<Record<Step, number>> = {
  none: 0,
  'enrol-later': 1,
  login: 2,
  verify: 2,
  enrol: 2,
  unmet: 3,
}

function isAnswered({ step }: Decision): boolean {
  return step === 'none' || step === 'enrol-later'
}

function isFactorAsked({ rules }: Decision): boolean {
  const [ownChoice] = rules
  return ownChoice?.name === 'set up by the person' && ownChoice.part === 'counts'
}

/** Checks a promise for any answered request, and that there are enough of these. */
function whereAnswered(promise: (input: PolicyInput, decision: Decision) => void): void {
  let count = 0
  fc.assert(
    fc.property(fc.oneof(anyInput, anyTrustedInput), (input) => {
      const decision = decide(input)
      if (!isAnswered(decision)) return
      promise(input, decision)
      count += 1
    }),
    RUNS,
  )
  expect(count).to.be.at.least(LEAST)
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) frozen(member)
  return value
}

/** Checks the promise that one more rule only tightens. */
function isNotLoosened(input: PolicyInput, rule: Omit<Rule, 'name'>): void {
  const before = decide(input)
  const more = { ...input, rules: [...input.rules, { ...rule, name: 'added' }] }
  const after = decide(more)
  // A trusted browser shows no page, so an enrolment that can wait is not offered in it.
  const isOfferAlone = after.standIn !== undefined && before.step === 'enrol-later'
  if (!isOfferAlone) expect(STRICTNESS[after.step]).to.be.at.least(STRICTNESS[before.step])
  expect(after.maxAgeSeconds ?? Infinity).to.be.at.most(before.maxAgeSeconds ?? Infinity)
  // Where nothing asks for a factor, there is nothing that a trusted browser could stand in for.
  if (isFactorAsked(before)) expect(after.trustSeconds).to.be.at.most(before.trustSeconds)
  // An age can take the level of another provider away. A person who meets an optional rule by that level alone then
  // cannot meet it, so the rule asks for nothing.
  const { proofs } = withoutOldLevels(more)
  const without = decide({ ...input, proofs })
  expect(after.target).to.be.at.least(without.target)
  // Each rule is judged alone: the parts of the others stay.
  expect(after.rules.slice(0, -1)).to.deep.equal(without.rules)
}

const CASE = { name: '', step: 'none', reason: 'met', says: '', parts: '' } as const
/** A voluntary level that only the proof of a removed key reaches. The clock was set back since. */
const REMOVED_KEY_OF_THE_FUTURE = inputOf({
  ...CASE,
  proofs: 'pwd@20 key@600',
  acr: 'phishing-resistant',
})
/** An optional rule that the person meets by an old sign-in at another provider alone. */
const OPTIONAL_BY_UPSTREAM = inputOf({
  ...CASE,
  proofs: 'sso-before@-600',
  rules: ['mfa-optional'],
})

describe('the policy, for any session, request, person and rules', () => {
  it('R45 is never loosened by one more rule', () => {
    fc.assert(fc.property(fc.oneof(anyInput, anyTrustedInput), anyRule, isNotLoosened), RUNS)
  })

  it('R45 is not loosened by an age that takes a proof from the future away', () => {
    isNotLoosened(REMOVED_KEY_OF_THE_FUTURE, { when: {}, maxAgeSeconds: 0 })
  })

  it('R45 is not loosened by an age that takes the level of another provider away', () => {
    isNotLoosened(OPTIONAL_BY_UPSTREAM, { when: {}, maxAgeSeconds: 0 })
  })

  it('R45 takes part by each rule as before where authenticators lose their hardware or are refused', () => {
    let count = 0
    fc.assert(
      fc.property(
        fc.oneof(anyInput, anyTrustedInput),
        fc.boolean(),
        fc.boolean(),
        (input, loses, isRefused) => {
          const { authenticators } = input.person
          const after = authenticators.map((one) => ({
            ...(loses ? withoutHardware(one) : one),
            ...(isRefused ? { isUnusable: true as const } : {}),
          }))
          const changed = { ...input, person: { ...input.person, authenticators: after } }
          expect(decide(changed).rules).to.deep.equal(decide(input).rules)
          if (loses && authenticators.some(({ hardware }) => hardware === true)) count += 1
        },
      ),
      RUNS,
    )
    expect(count).to.be.at.least(LEAST)
  })

  it('does not depend on the order of the rules', () => {
    fc.assert(
      fc.property(anyInput, fc.infiniteStream(fc.nat()), (input, numbers) => {
        const keyed = input.rules.map((rule) => ({ rule, key: numbers.next().value as number }))
        const rules = keyed.toSorted((one, other) => one.key - other.key).map(({ rule }) => rule)
        const byName = (decision: Decision) => ({
          ...decision,
          rules: decision.rules.toSorted((one, other) => one.name.localeCompare(other.name)),
          factors: decision.factors?.toSorted(),
        })
        expect(byName(decide({ ...input, rules }))).to.deep.equal(byName(decide(input)))
      }),
      RUNS,
    )
  })

  it('is the same without the rules that do not match', () => {
    fc.assert(
      fc.property(fc.oneof(anyInput, anyTrustedInput), (input) => {
        const rules = input.rules.filter((rule) => matches(rule, input.request))
        const { rules: parts, ...decision } = decide(input)
        const matching = parts.filter(({ matched }) => matched)
        expect(decide({ ...input, rules })).to.deep.equal({ ...decision, rules: matching })
      }),
      RUNS,
    )
  })

  it('R24 makes nobody enrol, and refuses nobody, for a voluntary level', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { acr, ...request } = input.request
        const { step } = decide({ ...input, request: { ...request, acrs: [] } })
        const isTimed = acr?.maxAgeSeconds !== undefined
        if (acr === undefined || acr.essential || isTimed || step !== 'none') return
        expect(decide(input).step).to.be.oneOf(['none', 'login', 'verify'])
      }),
      RUNS,
    )
  })

  it('changes nothing that it is given, and decides the same again', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        expect(decide(frozen(input))).to.deep.equal(decide(input))
      }),
      RUNS,
    )
  })

  it('R45 answers with no level that the proofs do not carry', () => {
    whereAnswered(({ levels, proofs, request: { provedSince = -Infinity } }, decision) => {
      const since = proofs.filter(({ time }) => time >= provedSince)
      const given =
        decision.standIn !== undefined ? since.filter(({ factor }) => factor === undefined) : since
      expect(rankOf(levels, decision.acr)).to.be.at.most(highestReached(levels, given))
      expect(given).not.to.deep.equal([])
    })
  })

  it('R24 answers an essential request by a level that it names, and reaches the target', () => {
    whereAnswered(({ levels, proofs, request: { acr } }, decision) => {
      if (acr?.essential === true) expect(acr.values).to.include(decision.acr)
      if (decision.standIn === undefined)
        expect(highestReached(levels, proofs)).to.be.at.least(decision.target)
    })
  })

  it('answers by a factor that each rule which counts lists', () => {
    whereAnswered(({ rules, proofs }, decision) => {
      if (decision.standIn !== undefined) return
      const counting = rules.filter((_, place) => decision.rules[place]?.part === 'counts')
      for (const { factors } of counting)
        if (factors !== undefined)
          expect(proofs.map(({ factor }) => factor)).to.include.oneOf([...factors])
    })
  })

  it('R14 lets a trusted browser stand in only where nothing asks for more', () => {
    let count = 0
    whereAnswered(({ request, trustedBrowserSeconds, rules }, decision) => {
      if (decision.standIn === undefined) return
      count += 1
      expect(request).not.to.have.any.keys('acr', 'provedSince')
      expect(request.fresh).to.equal(false)
      const age = NOW - decision.standIn.since
      expect(age).to.be.below(trustedBrowserSeconds)
      for (const [place, { part }] of decision.rules.entries()) {
        const { trustedBrowserSeconds: seconds = Infinity, maxAgeSeconds, factors } = rules[place]!
        if (part === 'counts' && factors !== undefined)
          expect(factors).to.include(decision.standIn.factor)
        if (part !== 'no-match') expect(seconds === 'never' ? 0 : seconds).to.be.above(age)
        if (part === 'counts') expect(maxAgeSeconds ?? Infinity).to.be.above(age)
      }
    })
    expect(count).to.be.at.least(50)
  })

  it('leads to an end: a person who makes each step that it asks for is asked for no further one', () => {
    fc.assert(
      fc.property(anyInput, (first) => {
        let input: PolicyInput = { ...first, request: { ...first.request, begunAt: NOW } }
        let decision = decide(input)
        for (let steps = 0; !isAnswered(decision) && decision.step !== 'unmet'; steps += 1) {
          expect(steps, JSON.stringify(decision)).to.be.below(8)
          // The page of a factor that the settings refuse leads to a recovery.
          if (isStuck(input, decision)) return
          input = afterStep(input, decision)
          decision = decide(input)
        }
      }),
      RUNS,
    )
  })
})

/** The authenticator after it has lost its hardware, by time or by a report. */
function withoutHardware({ hardware, ...rest }: Authenticator): Authenticator {
  if (hardware === undefined) return rest
  const { kinds, phishingResistant } = rest
  return { ...rest, judgedAs: { kinds, phishingResistant, hardware } }
}

/** Whether the person has factors, and the settings refuse each of them. */
function isStuck({ person: { authenticators } }: PolicyInput, { step }: Decision): boolean {
  const isRefused = authenticators.every(({ isUnusable }) => isUnusable === true)
  return step === 'verify' && authenticators.length > 0 && isRefused
}

/** The question after the person has made the step, by the last of the factors that help. */
function afterStep(input: PolicyInput, { step, factors, needsHardware }: Decision): PolicyInput {
  const helps = (id: string): boolean => factors?.includes(id) ?? true
  const isFit = ({ hardware }: Strength): boolean => needsHardware !== true || hardware === true
  if (step === 'login') {
    const first = input.proofs.find(({ factor }) => factor === undefined) ?? PROOFS['pwd']!
    return withProof(input, { ...first, time: NOW })
  }
  const offered = input.enrollable.filter((one) => helps(one.id) && isFit(one))
  const own = input.person.authenticators.filter(
    (one) => helps(one.factor) && isFit(one) && one.isUnusable !== true,
  )
  const made = step === 'enrol' ? offered.at(-1) : own.at(-1)
  expect(made, `no factor for the step ${step}`).to.be.an('object')
  const { kinds, phishingResistant, hardware } = made!
  const strength = { kinds, phishingResistant, ...(hardware === true ? { hardware } : {}) }
  const factor = 'id' in made! ? made.id : made!.factor
  const proved = withProof(input, { amr: [], ...strength, factor, time: NOW })
  if (step !== 'enrol') return proved
  const { person } = proved
  const device = `new device ${person.authenticators.length}`
  const authenticator = { factor, ...strength, isBackup: false, device }
  return {
    ...proved,
    person: { ...person, authenticators: [...person.authenticators, authenticator] },
  }
}

function withProof(input: PolicyInput, proof: PolicyInput['proofs'][number]): PolicyInput {
  const others = input.proofs.filter(
    ({ factor, hardware }) => factor !== proof.factor || hardware !== proof.hardware,
  )
  const { request } = input
  const fresh = request.fresh && proof.factor === undefined
  return { ...input, proofs: [...others, proof], request: { ...request, fresh } }
}

/** The decision of the release before there were rules. It had two levels and one essential request fewer. */
function formerStep(
  isEnrolled: boolean,
  isProved: boolean,
  fresh: boolean,
  requested: AcrRequest | undefined,
): Step {
  const [password, multiFactor] = DEFAULT_LEVELS.map(({ acr }) => acr)
  const isMore = isEnrolled || fresh || isProved
  const names = (acr: string | undefined) => requested?.values.includes(acr!) === true
  const isKnown = names(password) || names(multiFactor)
  if (requested?.essential === true && !isKnown) return 'unmet'
  // The former policy refused an essential request for the first level alone where more is asked. It is answered now.
  const isLow = names(password) && !names(multiFactor)
  const isWanted = requested?.essential === true && names(multiFactor) && !names(password)
  const target = isMore || (isWanted && !isLow)
  if (!target || (isProved && !fresh)) return 'none'
  return isEnrolled ? 'verify' : 'enrol'
}

describe('the policy without rules', () => {
  it('decides as the release before there were rules', () => {
    const values = [...DEFAULT_LEVELS.slice(0, 2).map(({ acr }) => acr), 'urn:of:nobody']
    const anyAcr = fc.record({ essential: fc.boolean(), values: fc.subarray(values) })
    fc.assert(
      fc.property(
        fc.constantFrom([], ['totp'], ['totp', 'codes']),
        fc.constantFrom(['pwd'], ['pwd', 'otp'], ['pwd', 'code']),
        fc.option(anyAcr, { nil: undefined }),
        fc.boolean(),
        (names, words, acr, fresh) => {
          const authenticators = names.map((name) => AUTHENTICATORS[name]!)
          const proofs = words.map((word, age) => ({ ...PROOFS[word]!, time: NOW - age * 100 }))
          const decision = decide({
            levels: DEFAULT_LEVELS,
            rules: [ownChoice(DEFAULT_LEVELS)],
            trustedBrowserSeconds: 0,
            enrollable: [{ ...AUTHENTICATORS['totp']!, id: 'totp' }],
            request: {
              client: 'app',
              groups: [],
              scopes: [],
              acrs: acr?.values ?? [],
              isNewBrowser: false,
              isFirstParty: false,
              fresh,
              ...(acr === undefined ? {} : { acr }),
            },
            person: { authenticators, metAt: {}, mayPostpone: true, postponed: false },
            proofs,
            now: NOW,
          })
          const isProved = words.length > 1
          const expected = formerStep(authenticators.length > 0, isProved, fresh, acr)
          expect(decision.step).to.equal(expected)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('an assertion of proofs', () => {
  it('R45 says no level that proofs since its time do not carry', () => {
    fc.assert(
      fc.property(anyInput, ({ levels, proofs, request }) => {
        const said = assertionOf(levels, proofs, request.acrs)
        if (said === undefined) {
          expect(proofs).to.deep.equal([])
          return
        }
        expect(proofs).to.have.members([...said.proofs])
        const used = proofs.filter(({ time }) => time >= said.since)
        expect(said.rank).to.be.at.most(highestReached(levels, used))
        expect(proofs.map(({ time }) => time)).to.include(said.since)
        expect(said.amr.includes('mfa')).to.equal(
          new Set(said.proofs.flatMap(({ kinds }) => kinds)).size > 1,
        )
      }),
      RUNS,
    )
  })
})
