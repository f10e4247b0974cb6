import { expect } from 'chai'
import type { ServerMetadata } from 'openid-client'
import {
  APP,
  MULTI_FACTOR,
  PASSWORD_ACR,
  relyingParty,
  startServerProcess,
  type ServerProcess,
} from './support.ts'

/**
 * The names of members in OpenID Discovery 1.0, RFC 8414, RFC 9126, RFC 9207, RFC 9101 and the logout specifications.
 * The IANA registry "OAuth Authorization Server Metadata" lists all of them.
 */
const REGISTERED =
  /^(issuer|jwks_uri|service_documentation|op_(policy|tos)_uri|[a-z_]+_endpoint|[a-z_]+_supported|mtls_endpoint_aliases|require_[a-z_]+|tls_client_[a-z_]+|[a-z_]+_required)$/

describe('discovery', () => {
  let server: ServerProcess
  let plain: ServerMetadata

  before(async () => {
    server = await startServerProcess({ clients: [APP] })
    plain = (await relyingParty(server)).configuration.serverMetadata()
  })
  after(() => server.stop())

  it('is understood by a strict client and names the server itself', async () => {
    expect(plain.issuer).to.equal(server.issuer)
    for (const [name, value] of Object.entries(plain))
      if (/_endpoint$|^jwks_uri$/.test(name))
        expect(new URL(String(value)).origin, name).to.equal(server.issuer)
    const jwks = (await (await fetch(plain.jwks_uri ?? '')).json()) as { keys: object[] }
    expect(jwks.keys).not.to.have.length(0)
    for (const key of jwks.keys)
      for (const secret of ['d', 'p', 'q', 'k']) expect(key).not.to.have.property(secret)
  })

  it('promises what a second factor is asked for by', () => {
    expect(plain.acr_values_supported).to.deep.equal([PASSWORD_ACR, MULTI_FACTOR, 'phr'])
    expect(plain.claims_supported).to.include.members(['acr', 'amr', 'auth_time'])
    expect(plain.claims_parameter_supported).to.equal(true)
  })

  it('has members of the registry only', () => {
    for (const name of Object.keys(plain)) expect(name).to.match(REGISTERED)
  })

  it('R17 names no way to a token that meets no policy', () => {
    expect(plain.grant_types_supported).to.have.members(['authorization_code', 'refresh_token'])
    expect(plain).not.to.have.any.keys(
      'backchannel_authentication_endpoint',
      'device_authorization_endpoint',
      'registration_endpoint',
    )
    expect(JSON.stringify(plain)).not.to.match(/ciba|jwt-bearer|token-exchange|pre-authorized/)
  })

  it('R17 the ways that it does not name do not work either', async () => {
    const ask = (grant_type: string, more: Record<string, string> = {}): Promise<Response> =>
      fetch(plain.token_endpoint ?? '', {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa('app:the%20secret%20of%20the%20app%2C%20long%20enough')}`,
        },
        body: new URLSearchParams({ grant_type, ...more }),
      })
    for (const grantType of [
      'password',
      'client_credentials',
      'implicit',
      'urn:openid:params:grant-type:ciba',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:pre-authorized_code',
    ]) {
      const response = await ask(grantType, { username: 'mira', password: 'x', auth_req_id: 'x' })
      const { error } = (await response.json()) as { error: string }
      expect([response.status, error], grantType).to.deep.equal([400, 'unsupported_grant_type'])
    }
    for (const path of ['/backchannel', '/reg', '/device', '/device/auth'])
      expect((await fetch(new URL(path, server.issuer), { method: 'POST' })).status, path).to.equal(
        404,
      )
  })
})
