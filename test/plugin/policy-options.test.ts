import { expect } from 'chai'
import type { Configuration } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import {
  backupCodes,
  createMfa,
  MfaError,
  MULTI_FACTOR_ACR,
  PASSWORD_ACR,
  policyFaults,
  reachableLevels,
  totp,
  type MfaOptions,
} from '../../src/index.ts'
import { heldPolicy } from '../../src/plugin/policy.ts'

const factors = [totp(), backupCodes()]

function make(options: object = {}) {
  return createMfa({
    issuerName: 'Acme',
    storage: memoryStorage(),
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors,
    firstEnrolment: 'password',
    ...options,
  })
}

function refusalOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (!(error instanceof MfaError)) throw error
    expect(error.code).to.equal('options-invalid')
    return error.message
  }
  throw new Error('it was taken')
}

const rulesFor = (scope: string) => ({ rules: [{ name: 'api', when: { scope } }] })

describe('the options `levels` and `policy`', () => {
  it('are refused with every fault, beside those of the other options', () => {
    const policy = {
      rules: [
        { name: 'staff', require: 'phr' },
        { name: 'ops', when: { grop: 'ops' } },
      ],
    }
    expect(refusalOf(() => make({ issuerName: '', policy }))).to.equal(
      [
        'createMfa:',
        '- issuerName: is something else: what people call the service, such as "Acme"',
        '- policy: rule "staff": can never be met: no configured factor reaches the level "phishing-resistant", which needs 2 different kinds of factor, one of them phishing-resistant; the levels in reach are password, multi-factor',
        '- policy: rule "ops": when: unknown key "grop" (did you mean "group"?)',
      ].join('\n'),
    )
    const levels = [{ name: 'strict', acr: 'urn:strict', kinds: 2 }]
    expect(refusalOf(() => make({ levels }))).to.contain(
      '- levels: level "strict": must have kinds 1',
    )
  })

  it('are refused if they are nothing of the kind, and other options still say their own faults', () => {
    for (const value of [null, 7, 'rules', []]) {
      expect(refusalOf(() => make({ policy: value }))).to.contain('policy: must be an object')
      expect(refusalOf(() => make({ levels: value }))).to.contain('levels: must be a list')
    }
    expect(refusalOf(() => make({ factors: undefined, policy: {} }))).to.not.contain('policy')
    expect(refusalOf(() => createMfa(undefined as unknown as MfaOptions))).to.contain('options')
  })

  it('refuse at `configure` a scope that the host does not offer', () => {
    const configure = (scope: string, configuration: Configuration): unknown =>
      make({ policy: rulesFor(scope) }).configure({
        adapter: class {} as never,
        findAccount: () => undefined,
        features: { devInteractions: { enabled: false } },
        ...configuration,
      })
    expect(refusalOf(() => configure('emial', { claims: { email: ['email'] } }))).to.equal(
      'createMfa: policy:\n- rule "api": when.scope names a scope that is not offered: "emial" (did you mean "email"?)',
    )
    // A claim without a scope of its own.
    expect(refusalOf(() => configure('tenant', { claims: { tenant: null } }))).to.contain(
      'when.scope names a scope that is not offered: "tenant"',
    )
    configure('email', { claims: { email: ['email'] } })
    configure('offline_access', {})
    configure('api', { scopes: ['openid', 'api'] })
    // The scopes of resource servers are not known before a request names one.
    const getResourceServerInfo = (): never => {
      throw new Error('is not called')
    }
    configure('orders', {
      features: {
        devInteractions: { enabled: false },
        resourceIndicators: { enabled: true, getResourceServerInfo },
      },
    })
  })
})

describe('mfa.setPolicy', () => {
  it('replaces the rules as a whole', () => {
    const policy = heldPolicy({ factors, policy: { shadow: [{ name: 'all' }] } }, [])
    expect(policy.present().shadow).to.deep.equal([{ name: 'all', when: {} }])
    policy.replace({ trustedBrowserSeconds: 60, ...rulesFor('email') })
    expect(policy.present()).to.deep.equal({
      rules: [{ name: 'api', when: { scope: ['email'] } }],
      shadow: [],
      trustedBrowserSeconds: 60,
    })
    policy.replace({ shadow: [{ name: 'all', require: 'multi-factor' }] })
    expect(policy.present()).to.deep.equal({
      rules: [],
      shadow: [{ name: 'all', when: {}, require: MULTI_FACTOR_ACR }],
      trustedBrowserSeconds: 0,
    })
  })

  it('throws with every fault, and the rules in force stay', () => {
    const policy = heldPolicy({ factors }, [])
    const before = policy.present()
    policy.see({ scopes: ['openid'] })
    const wrong = { rules: [{ name: 'a', require: 'x' }, ...rulesFor('email').rules] }
    expect(refusalOf(() => policy.replace(wrong))).to.equal(
      [
        'setPolicy:',
        '- rule "a": require names no level: "x"; there are password, multi-factor, phishing-resistant, phishing-resistant-hardware',
        '- rule "api": when.scope names a scope that is not offered: "email"',
      ].join('\n'),
    )
    expect(policy.present()).to.equal(before)
    expect(refusalOf(() => make().setPolicy(wrong))).to.contain('setPolicy:\n- rule "a"')
  })
})

describe('the checks of a policy without a provider', () => {
  it('say every fault, with and without the scopes', () => {
    expect(policyFaults(rulesFor('x'), { factors })).to.deep.equal([])
    expect(policyFaults(rulesFor('x'), { factors, scopes: ['y'] })).to.have.length(1)
    expect(policyFaults({}, { factors, levels: [] })).to.deep.equal([
      'levels: must be a list of at least one level: { name, acr, kinds }',
    ])
  })

  it('know the levels that the factors can reach', () => {
    const acrs = (given: MfaOptions['factors']): string[] =>
      reachableLevels({ factors: given }).map(({ acr }) => acr)
    expect(acrs(factors)).to.deep.equal([PASSWORD_ACR, MULTI_FACTOR_ACR])
    const strength = { kinds: ['possession'], phishingResistant: true } as const
    expect(acrs([{ ...totp(), strength }])).to.deep.equal([PASSWORD_ACR, MULTI_FACTOR_ACR, 'phr'])
    expect(acrs([backupCodes()])).to.deep.equal([PASSWORD_ACR])
    expect(refusalOf(() => reachableLevels({ factors, levels: [] }))).to.contain('levels:')
  })
})
