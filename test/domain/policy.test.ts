import { expect } from 'chai'
import {
  ACR_VALUES,
  decide,
  isAcr,
  isMeetable,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  type AcrRequest,
  type Decision,
  type PolicyInput,
} from '../../src/domain/policy.ts'

const OTHER_ACR = 'urn:example:other'
const BOOLEANS = [false, true]

/** Every possible question: 272 of them. */
const ALL: readonly PolicyInput[] = ACR_VALUES.flatMap((reached) =>
  BOOLEANS.flatMap((required) =>
    BOOLEANS.flatMap((enrolled) =>
      BOOLEANS.flatMap((fresh) =>
        requests().map((requested) => ({
          reached,
          required,
          enrolled,
          fresh,
          ...(requested === undefined ? {} : { requested }),
        })),
      ),
    ),
  ),
)

function requests(): (AcrRequest | undefined)[] {
  const lists = [PASSWORD_ACR, MULTI_FACTOR_ACR, OTHER_ACR].reduce<string[][]>(
    (subsets, value) => [...subsets, ...subsets.map((subset) => [...subset, value])],
    [[]],
  )
  return [
    undefined,
    ...lists.flatMap((values) => BOOLEANS.map((essential) => ({ essential, values }))),
  ]
}

/** Checks a promise for every question that it concerns, and that there is at least one. */
function everywhere(
  about: (input: PolicyInput) => boolean,
  promise: (decision: Decision, input: PolicyInput) => boolean,
): void {
  const inputs = ALL.filter(about)
  expect(inputs).not.to.be.empty
  for (const input of inputs)
    expect(promise(decide(input), input), JSON.stringify([input, decide(input)])).to.equal(true)
}

const asksFor = (acr: string) => (input: PolicyInput) => input.requested?.values.includes(acr)
const isAsked = ({ step }: Decision) => step === 'verify' || step === 'enrol'

describe('the policy', () => {
  it('is asked 272 different questions', () => {
    expect(new Set(ALL.map((input) => JSON.stringify(input))).size).to.equal(272)
  })

  it('never lets a password pass where a second factor is required', () => {
    everywhere(
      ({ required, reached }) => required && reached === PASSWORD_ACR,
      ({ step }) => step !== 'none',
    )
  })

  it('never lets a password pass for an account that has enrolled', () => {
    everywhere(
      ({ enrolled, reached }) => enrolled && reached === PASSWORD_ACR,
      ({ step }) => step !== 'none',
    )
  })

  it('asks anew for a fresh factor, whatever the session has', () => {
    everywhere(
      ({ fresh }) => fresh,
      ({ step }) => step !== 'none',
    )
  })

  it('R24 never answers an essential request with an acr that it does not name', () => {
    everywhere(
      ({ requested }) => requested?.essential === true,
      ({ step }, { reached, requested }) => step !== 'none' || requested!.values.includes(reached),
    )
    everywhere(
      ({ requested }) => requested?.essential === true,
      (decision, input) => !isAsked(decision) || asksFor(MULTI_FACTOR_ACR)(input) === true,
    )
  })

  it('R24 fails an essential request only if no way of signing in reaches an acr that it names', () => {
    everywhere(
      (input) => input.requested?.essential === true && asksFor(MULTI_FACTOR_ACR)(input) === true,
      ({ step }) => step !== 'unmet',
    )
    everywhere(
      ({ requested }) => requested?.essential === true && !requested.values.some(isAcr),
      ({ step }) => step === 'unmet',
    )
  })

  it('R24 fails where the password alone is essential and would be a downgrade', () => {
    everywhere(
      (input) =>
        input.requested?.essential === true &&
        asksFor(PASSWORD_ACR)(input) === true &&
        asksFor(MULTI_FACTOR_ACR)(input) === false,
      ({ step }, { reached, required, enrolled, fresh }) => {
        const more = reached === MULTI_FACTOR_ACR || required || enrolled || fresh
        return step === (more ? 'unmet' : 'none')
      },
    )
  })

  it('never fails a voluntary request, nor one that names no acr at all', () => {
    everywhere(
      ({ requested }) => requested?.essential !== true,
      ({ step }) => step !== 'unmet',
    )
  })

  it('signs in an account that reaches one acr, when every advertised acr is requested together', () => {
    everywhere(
      ({ requested }) => ACR_VALUES.every((acr) => requested?.values.includes(acr)),
      ({ step }, { reached, required, enrolled, fresh }) => {
        const enough = reached === MULTI_FACTOR_ACR || !(required || enrolled)
        return step === (enough && !fresh ? 'none' : enrolled ? 'verify' : 'enrol')
      },
    )
  })

  it('requires no enrolment for a voluntary acr', () => {
    everywhere(
      ({ requested, required, fresh }) => requested?.essential === false && !required && !fresh,
      ({ step }) => step !== 'enrol',
    )
  })

  it('asks for more than the floor only when an essential request needs it', () => {
    everywhere(
      ({ requested, required, enrolled, fresh }) =>
        requested?.essential !== true && !required && !enrolled && !fresh,
      ({ step }) => step === 'none',
    )
    const wish = { essential: true, values: [MULTI_FACTOR_ACR] }
    const input = { reached: PASSWORD_ACR, required: false, enrolled: false, fresh: false } as const
    expect(decide({ ...input, requested: wish }).step).to.equal('enrol')
  })

  it('asks for nothing twice: a second factor that was shown is enough', () => {
    everywhere(
      ({ reached, fresh }) => reached === MULTI_FACTOR_ACR && !fresh,
      ({ step }) => step === 'none' || step === 'unmet',
    )
  })

  it('asks an account with a factor to verify it, and the others to set one up', () => {
    everywhere(
      (input) => isAsked(decide(input)),
      ({ step }, { enrolled }) => step === (enrolled ? 'verify' : 'enrol'),
    )
  })

  it('says why it asks: a step up, the policy, or the person’s own choice', () => {
    everywhere(
      (input) => isAsked(decide(input)),
      (decision, { fresh, required, enrolled }) => {
        const reason = 'reason' in decision ? decision.reason : undefined
        if (fresh) return reason === 'step-up'
        if (required) return reason === 'policy'
        return reason === (enrolled ? 'chosen' : 'step-up')
      },
    )
  })
})

describe('a request for an acr', () => {
  it('R24 is refused before the password when it is essential and names none of ours', () => {
    expect(isMeetable({ essential: true, values: [OTHER_ACR] })).to.equal(false)
    expect(isMeetable({ essential: true, values: [] })).to.equal(false)
    expect(isMeetable({ essential: true, values: [OTHER_ACR, PASSWORD_ACR] })).to.equal(true)
    expect(isMeetable({ essential: false, values: [OTHER_ACR] })).to.equal(true)
    expect(isMeetable(undefined)).to.equal(true)
  })

  it('knows the two of discovery and no other', () => {
    expect(ACR_VALUES.every(isAcr)).to.equal(true)
    expect([OTHER_ACR, '', undefined, 1].some(isAcr)).to.equal(false)
  })
})
