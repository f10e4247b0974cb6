import { expect } from 'chai'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { keepCircumstances } from '../../interactions/circumstances.ts'
import type { Core } from '../../interactions/core.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import type { Proof } from '../../src/domain/policy/proofs.ts'
import { firstProof } from '../../src/domain/policy/session-proofs.ts'
import { saidOfRequest } from '../../src/host/assertion.ts'
import { basisFor } from '../../src/host/token-basis.ts'
import { assertRequest } from '../../src/plugin/assert-request.ts'
import { corePolicy } from '../interactions/core-policy.ts'

const NOW = 1_800_000_000
const core = { ...corePolicy, deps: { clock: { now: () => NOW } } } as unknown as Core
const otp: Proof = {
  amr: ['otp'],
  kinds: ['possession'],
  phishingResistant: false,
  factor: 'totp',
  time: NOW - 100,
}
const password = firstProof(['pwd'], NOW - 200)

interface Asked {
  readonly proofs?: readonly Proof[] | undefined
  readonly params?: Readonly<Record<string, unknown>>
  readonly claims?: object
  readonly scopes?: readonly string[]
  readonly result?: object
  readonly route?: string
  /** Whether a trusted browser has stood in for the factor. */
  readonly isTrusted?: boolean
  readonly refusedClaims?: readonly string[]
  readonly refusedScope?: string
}

/** The claims of the tokens of an accepted request, and the basis that they keep. */
function assertedBy(asked: Asked = {}) {
  const { params = {}, claims = {}, scopes = [], result, route = 'authorization' } = asked
  const { refusedClaims = [], refusedScope = '' } = asked
  const proofs = 'proofs' in asked ? asked.proofs : [otp, password]
  const session = {
    accountId: 'mira',
    acr: 'urn:of-the-application',
    amr: ['own'],
    loginTs: NOW - 300,
    ...(proofs === undefined ? {} : { mfaProofs: { accountId: 'mira', proofs } }),
    authTime: () => NOW - 300,
  }
  const oidc = {
    route,
    params,
    claims,
    session,
    result,
    acr: session.acr,
    amr: session.amr,
    requestParamScopes: new Set(scopes),
    entities: {
      Grant: {
        getRejectedOIDCClaims: () => refusedClaims,
        getRejectedOIDCScope: () => refusedScope,
      },
    },
  }
  const ctx = { oidc, req: { headers: {} } } as unknown as KoaContextWithOIDC
  if (asked.isTrusted === true) {
    const facts = { rules: [], request: { isNewBrowser: false }, person: { mayPostpone: true } }
    keepCircumstances(ctx.req, facts as never, { standIn: { since: NOW - 50 } } as never)
  }
  assertRequest(core, ctx)
  return { ...saidOfRequest(ctx.oidc), basis: basisFor(ctx) }
}

describe('the assertion of an accepted request', () => {
  it('R27 has the level, the methods and the time of its own proofs, not those of the session', () => {
    const { basis, ...said } = assertedBy()
    expect(said).to.deep.equal({
      acr: MULTI_FACTOR_ACR,
      amr: ['pwd', 'otp', 'mfa'],
      auth_time: NOW - 200,
    })
    expect(basis?.proofs).to.deep.equal([otp, password])
  })

  it('R25 rests on no proof that is older than the request allows', () => {
    const { basis, ...said } = assertedBy({ params: { max_age: '150' } })
    expect(said).to.deep.include({ acr: PASSWORD_ACR, amr: ['otp'], auth_time: NOW - 100 })
    expect(basis?.proofs).to.deep.equal([otp])
  })

  it('R14 rests on no factor of before where a trusted browser has stood in', () => {
    const { basis, ...said } = assertedBy({ isTrusted: true })
    expect(said).to.deep.include({ acr: PASSWORD_ACR, amr: ['pwd'], auth_time: NOW - 200 })
    expect(basis).to.deep.include({
      proofs: [password],
      trustedSince: NOW - 50,
      mayPostpone: true,
    })
  })

  it('stays that of the application, in a session that keeps no proofs', () => {
    const { basis, ...said } = assertedBy({ proofs: undefined })
    expect(said).to.deep.equal({
      acr: 'urn:of-the-application',
      amr: ['own'],
      auth_time: NOW - 300,
    })
    expect(basis).to.have.property('proofs').with.length(1)
  })

  it('R17 rests in the device flow on the factors that were shown for the device', () => {
    const route = 'device_resume'
    expect(assertedBy({ route }).acr).to.equal(PASSWORD_ACR)
    const result = { mfa: { factor: 'totp', at: NOW - 100, since: NOW - 100 } }
    expect(assertedBy({ route, result }).acr).to.equal(MULTI_FACTOR_ACR)
  })

  it('R14 is kept with each level that the request has named', () => {
    const claims = JSON.stringify({ id_token: { acr: { value: 'urn:a' } } })
    const { basis } = assertedBy({ params: { claims, acr_values: 'urn:b' } })
    expect(basis?.acrs).to.deep.equal(['urn:a', 'urn:b'])
  })

  it('has authn_factors where the app asks for it and the person has not refused it', () => {
    const isTold = (asked: Asked): unknown => assertedBy(asked).basis?.tellsFactors
    const claims = { userinfo: { authn_factors: null } }
    const scopes = ['openid', 'authn']
    expect(isTold({})).to.equal(false)
    for (const asked of [{ claims }, { scopes }]) {
      expect(isTold(asked)).to.equal(true)
      expect(isTold({ ...asked, refusedClaims: ['authn_factors'] })).to.equal(false)
    }
    expect(isTold({ scopes, refusedScope: 'email authn' })).to.equal(false)
    expect(isTold({ scopes, refusedScope: 'email' })).to.equal(true)
    expect(isTold({ claims, scopes, refusedScope: 'authn' })).to.equal(true)
  })
})
