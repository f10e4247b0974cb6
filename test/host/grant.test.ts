import { expect } from 'chai'
import { withSignInClaim } from '../../src/host/grant.ts'

describe('a stored grant', () => {
  it('gives a claim about the sign-in beside its own, once, and stays as it was', () => {
    const stored = { jti: 'id', openid: { scope: 'openid', claims: ['name'] } }
    const given = withSignInClaim(stored, 'authn_factors')
    expect(given.openid.claims).to.deep.equal(['name', 'authn_factors'])
    expect(withSignInClaim(given, 'authn_factors')).to.deep.equal(given)
    expect(stored.openid.claims).to.deep.equal(['name'])
    const without = { openid: { scope: 'openid' } }
    expect(withSignInClaim(without, 'authn_factors')).to.have.nested.property('openid.claims')
  })

  it('gives none without a scope of OpenID Connect', () => {
    const stored = { resources: { 'https://api.example': 'read' } }
    expect(withSignInClaim(stored, 'authn_factors')).to.equal(stored)
  })
})
