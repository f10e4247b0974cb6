import { expect } from 'chai'
import { MULTI_FACTOR_ACR } from '../../../src/index.ts'
import { GOOD, validator } from './support.ts'

describe('the check of clients', () => {
  const faultsOf = (...clients: unknown[]): string[] =>
    validator()(clients).faults.map(({ client, field }) => `${client} ${field}`)

  it('takes what the host takes, our own members included', () => {
    const own = { first_party: true, mfa: 'required', require_pkce: false, accent: '#1A5fb4' }
    expect(validator()([{ ...GOOD, ...own }])).to.deep.equal({ faults: [], ignored: [] })
    const open = {
      client_id: 'spa',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['https://spa.example.com/'],
    }
    expect(faultsOf(open, GOOD)).to.deep.equal([])
  })

  it('names each fault by client and field, several of one client as well', () => {
    const bad = {
      ...GOOD,
      redirect_uris: ['https://app.example.com/#fragment'],
      logo_uri: 'javascript:alert(1)',
      contacts: ['nobody'],
      token_endpoint_auth_method: 'magic',
      backchannel_logout_session_required: 'yes',
      mfa: 'maybe',
      first_party: 'yes',
    }
    expect(faultsOf(GOOD, { ...bad, client_id: 'bad' })).to.have.members([
      'bad redirect_uris',
      'bad logo_uri',
      'bad contacts',
      'bad token_endpoint_auth_method',
      'bad backchannel_logout_session_required',
      'bad mfa',
      'bad first_party',
    ])
  })

  it('takes the demand of an app on everybody who signs in to it', () => {
    const good = [
      'required',
      'optional',
      { require: 'multi-factor' },
      { require: MULTI_FACTOR_ACR, maxAgeSeconds: 0 },
      { max_age_seconds: 300 },
    ]
    for (const mfa of good)
      expect(faultsOf({ ...GOOD, mfa }), JSON.stringify(mfa)).to.deep.equal([])
  })

  for (const [mfa, problem] of [
    ['maybe', 'must be "required", "optional" or { require, maxAgeSeconds }'],
    [true, 'must be "required", "optional" or { require, maxAgeSeconds }'],
    [['required'], 'must be "required", "optional" or { require, maxAgeSeconds }'],
    [{ requires: 'phr' }, 'has an unknown member "requires" (did you mean "require"?)'],
    [{ maxAgeSeconds: 1, max_age_seconds: 1 }, 'has both maxAgeSeconds and max_age_seconds'],
    [{ maxAgeSeconds: -1 }, 'must have a whole number of at least 0 as its maxAgeSeconds'],
    [{ max_age_seconds: '300' }, 'must have a whole number of at least 0 as its maxAgeSeconds'],
    [
      { require: 'mfa' },
      'must require one of the levels that people can reach: password, multi-factor, phishing-resistant, phishing-resistant-hardware',
    ],
    [
      { require: ['phr'] },
      'must require one of the levels that people can reach: password, multi-factor, phishing-resistant, phishing-resistant-hardware',
    ],
  ] as const)
    it(`refuses the demand ${JSON.stringify(mfa)}`, () => {
      const { faults } = validator()([{ ...GOOD, mfa }])
      expect(faults).to.deep.equal([{ client: 'app', field: 'mfa', problem }])
    })

  it('takes the advertised levels as default_acr_values, and no other value', () => {
    expect(faultsOf({ ...GOOD, default_acr_values: [MULTI_FACTOR_ACR] })).to.deep.equal([])
    expect(faultsOf({ ...GOOD, default_acr_values: ['urn:x'] })).to.deep.equal([
      'app default_acr_values',
    ])
  })

  it('names what is missing, and goes on looking', () => {
    expect(faultsOf({ client_id: 'bare', tos_uri: 5 })).to.have.members([
      'bare client_secret',
      'bare redirect_uris',
      'bare tos_uri',
    ])
    expect(faultsOf({}, 'text', null, [])).to.have.members([
      '#1 client_id',
      '#1 client_secret',
      '#1 redirect_uris',
      '#2 metadata',
      '#3 metadata',
      '#4 metadata',
    ])
  })

  it('refuses an id that comes twice', () => {
    expect(faultsOf(GOOD, GOOD)).to.deep.equal(['app client_id'])
  })

  it('R21 lets nobody without a secret do without PKCE', () => {
    const open = { ...GOOD, token_endpoint_auth_method: 'none', require_pkce: false }
    expect(faultsOf(open)).to.deep.equal(['app require_pkce'])
  })

  it('R21 refuses response types that put tokens into the address bar', () => {
    expect(faultsOf({ ...GOOD, response_types: ['id_token'] })).to.deep.equal([
      'app response_types',
    ])
  })

  it('tells of members that the host would drop in silence', () => {
    expect(validator()([{ ...GOOD, first_prty: true }]).ignored).to.deep.equal([
      { client: 'app', field: 'first_prty' },
    ])
  })

  it('R31 never repeats a secret', () => {
    const check = validator()([{ ...GOOD, client_secret: 'hush\u0007hush', scope: 5 }])
    expect(check.faults.map(({ field }) => field)).to.have.members(['client_secret', 'scope'])
    expect(JSON.stringify(check)).not.to.contain('hush')
  })
})
