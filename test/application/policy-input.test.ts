import { expect } from 'chai'
import {
  policyInputOf,
  type PolicyFacts,
  type PolicyInForce,
} from '../../src/application/policy-input.ts'
import { newRecord } from '../../src/domain/mfa-record.ts'
import { IMPORTED_WITHOUT_FACTOR, OWN_CHOICE } from '../../src/domain/policy/built-in.ts'
import {
  DEFAULT_LEVELS,
  MULTI_FACTOR_ACR,
  PHISHING_RESISTANT_ACR,
} from '../../src/domain/policy/levels.ts'
import { NO_POLICY } from '../../src/domain/policy/rules.ts'
import { importRules } from '../../src/import/rules.ts'
import { world } from './world.ts'

const NOW = 1_800_000_000
const { deps } = world()
const EVERYBODY = { name: 'everybody', when: {}, require: MULTI_FACTOR_ACR }
const inForce: PolicyInForce = {
  levels: DEFAULT_LEVELS,
  present: () => ({ ...NO_POLICY, rules: [EVERYBODY] }),
}
const facts: PolicyFacts = {
  record: newRecord('mira'),
  request: {
    client: 'app',
    groups: [],
    scopes: [],
    acrs: [],
    isNewBrowser: true,
    isFirstParty: false,
    fresh: false,
  },
  demands: [],
  proofs: [],
  person: { metAt: {}, mayPostpone: false, postponed: false },
  now: NOW,
}
const own = { name: OWN_CHOICE, when: {}, require: MULTI_FACTOR_ACR, enrol: 'optional' }
const rulesFor = (changes: Partial<PolicyFacts> = {}, imported = false) =>
  policyInputOf({ ...deps, rules: { ...importRules, isFactorRequired: () => imported } }, inForce, {
    ...facts,
    ...changes,
  }).rules

describe('the rules by which the policy decides', () => {
  it("R45 begin with the person's own choice, whatever else is in force", () => {
    expect(rulesFor()).to.deep.equal([own, EVERYBODY])
  })

  it('have one for an account that was imported without its second factor', () => {
    const imported = { name: IMPORTED_WITHOUT_FACTOR, when: {}, require: MULTI_FACTOR_ACR }
    expect(rulesFor({}, true)).to.deep.equal([own, imported, EVERYBODY])
  })

  it('have each demand of the application whole, under its own name', () => {
    const strict = {
      name: 'mfa of the client',
      require: PHISHING_RESISTANT_ACR,
      maxAgeSeconds: 60,
      trustedBrowserSeconds: 'never',
    } as const
    expect(rulesFor({ demands: [strict, {}] })).to.deep.equal([
      own,
      { ...strict, when: {} },
      { name: 'require', when: {}, require: MULTI_FACTOR_ACR },
      EVERYBODY,
    ])
  })
})
