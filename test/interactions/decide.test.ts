import { expect } from 'chai'
import { isMoreAsked, stepOf, type PolicyCase } from '../../interactions/decide.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy.ts'
import { enrolled } from '../domain/records.ts'

const none = newRecord('mira')

function caseOf(record: MfaRecord, changes: Partial<PolicyCase> = {}): PolicyCase {
  return {
    record,
    rules: { isUsable: () => true, endOf: () => undefined, isFactorRequired: (_, by) => by },
    reached: PASSWORD_ACR,
    requested: undefined,
    fresh: false,
    ...changes,
  }
}

/** The application's rule, which notes each call. */
function rule(answer: boolean) {
  const calls: boolean[] = []
  return { calls, ask: async () => (calls.push(answer), answer) }
}

describe('the step that an account still has to make', () => {
  it('is the one of the domain’s policy, with the answer of the application', async () => {
    expect(await stepOf(caseOf(none), async () => false)).to.deep.equal({ step: 'none' })
    expect(await stepOf(caseOf(none), async () => true)).to.include({ step: 'enrol' })
    expect(await stepOf(caseOf(enrolled()), async () => false)).to.include({ step: 'verify' })
    const reached = caseOf(enrolled(), { reached: MULTI_FACTOR_ACR })
    expect(await stepOf(reached, async () => true)).to.deep.equal({ step: 'none' })
    expect(await stepOf({ ...reached, fresh: true }, async () => true)).to.include({
      step: 'verify',
    })
  })

  it('R24 is none that leads on where an essential acr cannot be reached', async () => {
    const requested = { essential: true, values: ['urn:other'] }
    expect(await stepOf(caseOf(none, { requested }), async () => false)).to.deep.equal({
      step: 'unmet',
    })
  })

  it('takes a rule that a part of the product has added into account', async () => {
    const rules = { ...caseOf(none).rules, isFactorRequired: () => true }
    expect(await stepOf(caseOf(none, { rules }), async () => false)).to.include({ step: 'enrol' })
  })
})

describe('whether more than the first factor is asked for', () => {
  it('is answered without the application where the answer is clear', async () => {
    const { ask, calls } = rule(false)
    expect(await isMoreAsked(caseOf(enrolled()), ask)).to.equal(true)
    expect(await isMoreAsked(caseOf(none, { fresh: true }), ask)).to.equal(true)
    expect(calls).to.deep.equal([])
  })

  it('is otherwise the answer of the application', async () => {
    for (const answer of [false, true]) {
      const { ask, calls } = rule(answer)
      expect(await isMoreAsked(caseOf(none), ask)).to.equal(answer)
      expect(calls).to.deep.equal([answer])
    }
  })
})
