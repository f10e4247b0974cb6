import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import {
  afterFirstFactor,
  gracesInForce,
  gracesRunning,
  stepOf,
  stepsOf,
  type Known,
  type PolicyCase,
} from '../../interactions/decide.ts'
import { DEFAULT_LEVELS, MULTI_FACTOR_ACR } from '../../src/domain/policy/levels.ts'
import { firstProof, secondProof } from '../../src/domain/policy/session-proofs.ts'
import type { Rule } from '../../src/domain/policy/rules.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { enrolled } from '../domain/records.ts'

const NOW = 1_800_000_000
const none = newRecord('mira')
const password = firstProof(['pwd'], NOW - 10)
const code = secondProof(
  {
    assurance: { amr: ['otp'], kinds: ['possession'], phishingResistant: false },
    factor: 'totp',
    at: NOW - 5,
  },
  none,
)

function caseOf(record: MfaRecord, changes: Partial<PolicyCase> = {}): PolicyCase {
  return {
    record,
    params: { client_id: 'app' },
    request: { headers: {} } as IncomingMessage,
    proofs: [password],
    requested: undefined,
    fresh: false,
    ...changes,
  }
}

/** A core whose application demands a second factor or not, and notes each call. */
function coreWith({
  demands = false,
  rules = [],
  shadow = [],
  imported = false,
  groups = [],
}: {
  demands?: boolean
  rules?: readonly Rule[]
  shadow?: readonly Rule[]
  imported?: boolean
  groups?: readonly string[]
} = {}) {
  const calls: string[] = []
  const core = {
    deps: {
      clock: { now: () => NOW },
      factors: new Map([['totp', totp()]]),
      rules: { isUsable: () => true, endOf: () => undefined, isFactorRequired: () => imported },
    },
    policy: {
      levels: DEFAULT_LEVELS,
      present: () => ({ rules, shadow, trustedBrowserSeconds: 0 }),
    },
    provider: { issuer: 'https://op.example' },
    describe: async () => ({ label: 'mira' }),
    demands: async () => (calls.push('demands'), demands ? [{}] : []),
    groupsOf: async () => (calls.push('groups'), groups),
    isWithin: (address: string) => (network: string) => network === address,
    isFirstParty: (client: { firstParty?: boolean }) => client.firstParty === true,
  } as unknown as Core
  return { core, calls }
}

const known = { account: { accountId: 'mira' }, client: { clientId: 'app' }, ip: '192.0.2.1' }
const step = async (
  given: PolicyCase,
  about: Parameters<typeof coreWith>[0] = {},
  around: object = {},
) => (await stepOf(coreWith(about).core, given, { ...known, ...around } as unknown as Known)).step

describe('the step that an account still has to make', () => {
  it('is the one of the domain’s policy, with the demand of the application', async () => {
    expect(await step(caseOf(none))).to.equal('none')
    expect(await step(caseOf(none), { demands: true })).to.equal('enrol')
    expect(await step(caseOf(enrolled()))).to.equal('verify')
    const reached = caseOf(enrolled(), { proofs: [password, code] })
    expect(await step(reached, { demands: true })).to.equal('none')
    expect(await step({ ...reached, fresh: true }, { demands: true })).to.equal('verify')
  })

  it('R24 is none that leads on where an essential acr cannot be reached', async () => {
    const requested = { essential: true, values: ['urn:other'] }
    expect(await step(caseOf(none, { requested }))).to.equal('unmet')
  })

  it('takes a rule that a part of the product has added into account', async () => {
    expect(await step(caseOf(none), { imported: true })).to.equal('enrol')
  })

  it('sees the client, groups, scopes, acrs, the network and the browser of the request', async () => {
    const rule = (when: Rule['when']): Rule => ({ name: 'r', when, require: MULTI_FACTOR_ACR })
    const asks = async (when: Rule['when'], given = caseOf(none), around: object = {}) =>
      step(given, { rules: [rule(when)], groups: ['staff'] }, around)
    expect(await asks({ client: ['app'] })).to.equal('enrol')
    expect(await asks({ client: ['other'] })).to.equal('none')
    expect(await asks({ group: ['staff'] })).to.equal('enrol')
    expect(await asks({ group: ['guests'] })).to.equal('none')
    const scoped = caseOf(none, { params: { scope: 'openid pay', acr_values: 'urn:a urn:b' } })
    expect(await asks({ scope: ['pay'] }, scoped)).to.equal('enrol')
    expect(await asks({ scope: ['read'] }, scoped)).to.equal('none')
    expect(await asks({ acr: ['urn:b'] }, scoped)).to.equal('enrol')
    expect(await asks({ acr: ['urn:c'] }, scoped)).to.equal('none')
    expect(await asks({ network: ['192.0.2.1'] })).to.equal('enrol')
    expect(await asks({ network: ['198.51.100.1'] })).to.equal('none')
    expect(await asks({ network: ['198.51.100.1'] }, caseOf(none), { ip: undefined })).to.equal(
      'enrol',
    )
    expect(await asks({ newBrowser: true })).to.equal('enrol')
    expect(await asks({ newBrowser: false })).to.equal('none')
    expect(await asks({ firstParty: false })).to.equal('enrol')
    const own = { client: { clientId: 'app', firstParty: true } }
    expect(await asks({ firstParty: false }, caseOf(none), own)).to.equal('none')
  })

  it('R25 counts only what was proved since the time that the request sets', async () => {
    const old = caseOf(enrolled(), { proofs: [password, code], provedSince: NOW - 7 })
    expect(await step(old)).to.equal('login')
    expect(await step({ ...old, provedSince: NOW - 10 })).to.equal('none')
  })

  it('takes what was proved for this request, however old it is', async () => {
    const requested = { essential: false, values: [MULTI_FACTOR_ACR], maxAgeSeconds: 0 }
    const given = caseOf(enrolled(), { proofs: [password, code], requested })
    expect(await step(given)).to.equal('verify')
    expect(await step({ ...given, begunAt: NOW - 6 })).to.equal('none')
  })
})

describe('whether more than the first factor is asked for', () => {
  const asked = async (
    given: PolicyCase,
    { core }: Pick<ReturnType<typeof coreWith>, 'core'>,
  ): Promise<boolean> =>
    (await afterFirstFactor(core, given, async () => known as unknown as Known)).step !== 'none'

  it('is answered without the application where the answer is clear', async () => {
    const { core, calls } = coreWith()
    expect(await asked(caseOf(enrolled()), { core })).to.equal(true)
    expect(await asked(caseOf(none, { fresh: true }), { core })).to.equal(true)
    expect(calls).to.deep.equal([])
  })

  it('is otherwise the answer of the application', async () => {
    for (const demands of [false, true]) {
      const { core, calls } = coreWith({ demands })
      expect(await asked(caseOf(none), { core })).to.equal(demands)
      expect(calls).to.include('demands')
    }
  })
})

describe('the step after a factor of the person was shown', () => {
  const stepsWith = async (
    rules: readonly Rule[],
    given: PolicyCase,
  ): Promise<readonly (string | undefined)[]> => {
    const { core } = coreWith({ rules })
    const { decision, next } = await stepsOf(core, given, known as unknown as Known)
    return [decision.step, next?.step, next?.reason]
  }
  const rule = (changes: Partial<Rule>): Rule => ({ name: 'two devices', when: {}, ...changes })

  it('R11 is the set-up of a second device, which is made in the same interaction', async () => {
    const rules = [rule({ redundancy: true })]
    expect(await stepsWith(rules, caseOf(enrolled()))).to.deep.equal([
      'verify',
      'enrol',
      'redundancy',
    ])
    const two = [...enrolled().authenticators, { ...enrolled().authenticators[0]!, id: 'tablet' }]
    expect(await stepsWith(rules, caseOf(enrolled({ authenticators: two })))).to.deep.equal([
      'verify',
      'none',
      'met',
    ])
  })

  it('is also there where a fresh factor is asked for, and only where one is', async () => {
    const rules = [rule({ redundancy: true })]
    const fresh = caseOf(enrolled(), { fresh: true, proofs: [password, code] })
    expect(await stepsWith(rules, fresh)).to.deep.equal(['verify', 'enrol', 'redundancy'])
    expect(await stepsWith([], caseOf(none))).to.deep.equal(['none', undefined, undefined])
  })

  it('asks whether an enrolment was put off only where one can be', async () => {
    let asked = 0
    const isPostponed = (): boolean => ((asked += 1), true)
    expect(await stepsWith([], caseOf(enrolled(), { isPostponed }))).to.deep.include('verify')
    const rules = [rule({ redundancy: true })]
    expect(await stepsWith(rules, caseOf(enrolled(), { isPostponed }))).to.include('enrol')
    expect(asked).to.equal(0)
  })
})

describe('the graces of rules', () => {
  const rule = (name: string, enrol: Rule['enrol'], changes: Partial<Rule> = {}): Rule => ({
    name,
    when: {},
    require: MULTI_FACTOR_ACR,
    ...(enrol === undefined ? {} : { enrol }),
    ...changes,
  })
  const live = [
    rule('live', { graceSeconds: 100 }),
    rule('a day', { until: NOW + 100 }),
    rule('due', { graceSeconds: 100 }),
  ]
  const shadow = [rule('trial', { graceSeconds: 100 }), rule('at once', undefined)]

  it('are in force for the rules on trial too, without those that end on a fixed day', () => {
    const { core } = coreWith({ rules: live, shadow })
    expect(gracesInForce(core)).to.deep.equal(['live', 'due', 'trial'])
  })

  it('run for the rules whose part is their grace, of both policies', () => {
    const { core } = coreWith({ rules: live, shadow })
    const part = (name: string, its: string) => ({ name, matched: true, part: its })
    const decided = {
      decision: { rules: [part('live', 'grace'), part('a day', 'grace'), part('due', 'counts')] },
      shadow: { rules: [part('trial', 'grace'), part('at once', 'counts')] },
    }
    expect(gracesRunning(core, decided as never)).to.deep.equal(['live', 'trial'])
    const { decision } = decided
    expect(gracesRunning(core, { decision } as never)).to.deep.equal(['live'])
  })

  it('of rules on trial count from the time at which these met the account', async () => {
    const { core } = coreWith({ shadow: [shadow[0]!] })
    const shadowStep = async (met: number): Promise<unknown> => {
      const given = caseOf({ ...none, rulesMet: { trial: met } }, { request: 'known browser' })
      const steps = await stepsOf(core, given, known as unknown as Known)
      expect(steps.decision.step).to.equal('none')
      return steps.shadow?.step
    }
    expect(await shadowStep(NOW - 99)).to.equal('enrol-later')
    expect(await shadowStep(NOW - 100)).to.equal('enrol')
  })
})
