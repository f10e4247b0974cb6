import { expect } from 'chai'
import { exportJWK } from 'jose'
import type { webcrypto } from 'node:crypto'
import * as client from 'openid-client'
import {
  APP,
  atTheApp,
  claimsOf,
  errorOf,
  oauthErrorOf,
  relyingParty,
  SECRET,
  startServerProcess,
  type Request,
  type RelyingParty,
  type ServerProcess,
  type Visitor,
} from './support.ts'

/** The ways of an app that the guide "Apps that sign people in" names, each with a client library that is strict. */
describe('an app, as the guide describes,', () => {
  let server: ServerProcess
  let mira: Visitor
  let key: webcrypto.CryptoKey

  before(async () => {
    const pair = await client.randomDPoPKeyPair('ES256')
    key = pair.privateKey
    const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'ES256' }] }
    const { client_secret: _, ...bare } = APP
    const own = { ...bare, first_party: true }
    server = await startServerProcess({
      clients: [
        { ...own, client_id: 'key', token_endpoint_auth_method: 'private_key_jwt', jwks },
        {
          ...own,
          client_id: 'secret',
          client_secret: SECRET,
          token_endpoint_auth_method: 'client_secret_jwt',
        },
        {
          ...own,
          client_id: 'signing',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks,
          request_object_signing_alg: 'ES256',
          require_signed_request_object: true,
        },
        {
          ...own,
          client_id: 'pushing',
          client_secret: SECRET,
          require_pushed_authorization_requests: true,
        },
        { ...own, client_id: 'bound', client_secret: SECRET, dpop_bound_access_tokens: true },
      ],
    })
    mira = await server.addPerson('mira')
  })
  after(() => server.stop())

  async function expectTokens(party: RelyingParty, request: Request, aud: string): Promise<void> {
    const tokens = await party.redeem(await mira.signIn(request), request)
    expect(claimsOf(tokens)).to.include({ aud, sub: mira.accountId })
  }

  it('authenticates with a key of its own (private_key_jwt), and with no other', async () => {
    const party = await relyingParty(server, 'key', client.PrivateKeyJwt(key))
    await expectTokens(party, await party.request(), 'key')
    const { privateKey: other } = await client.randomDPoPKeyPair('ES256')
    const impostor = await relyingParty(server, 'key', client.PrivateKeyJwt(other))
    const attempt = client.tokenRevocation(impostor.configuration, 'any')
    expect(await oauthErrorOf(attempt)).to.equal('invalid_client')
  })

  it('authenticates by a JWT under its secret (client_secret_jwt), and under no other', async () => {
    const party = await relyingParty(server, 'secret', client.ClientSecretJwt(SECRET))
    await expectTokens(party, await party.request(), 'secret')
    const impostor = await relyingParty(server, 'secret', client.ClientSecretJwt(`${SECRET}!`))
    const attempt = client.tokenRevocation(impostor.configuration, 'any')
    expect(await oauthErrorOf(attempt)).to.equal('invalid_client')
  })

  it('signs its request, where it is registered so: another one is refused', async () => {
    const party = await relyingParty(server, 'signing', client.PrivateKeyJwt(key))
    const plain = await party.request()
    const parameters = Object.fromEntries(plain.url.searchParams)
    const signedWith = async (signer: webcrypto.CryptoKey): Promise<URL> =>
      client.buildAuthorizationUrlWithJAR(party.configuration, parameters, signer)
    await expectTokens(party, { ...plain, url: await signedWith(key) }, 'signing')

    const unsigned = await mira.browser.visit(plain.url, atTheApp)
    expect(errorOf(unsigned)).to.equal('invalid_request')
    const { privateKey: other } = await client.randomDPoPKeyPair('ES256')
    const forged = await mira.browser.visit(await signedWith(other), atTheApp)
    expect([forged.name, forged.location]).to.deep.equal(['error', undefined])
  })

  it('pushes its request, where it is registered so: another one is refused', async () => {
    const party = await relyingParty(server, 'pushing')
    await expectTokens(party, await party.request({}, { pushed: true }), 'pushing')
    const { url } = await party.request()
    expect(errorOf(await mira.browser.visit(url, atTheApp))).to.equal('invalid_request')
  })

  it('gets tokens that are bound to its key (DPoP), where it is registered so', async () => {
    const party = await relyingParty(server, 'bound')
    const proofOf = async (): Promise<client.DPoPHandle> =>
      client.getDPoPHandle(party.configuration, await client.randomDPoPKeyPair())
    const DPoP = await proofOf()
    const request = await party.request()
    const page = await mira.signIn(request)
    const tokens = await client.authorizationCodeGrant(
      party.configuration,
      page.location!,
      request.checks,
      {},
      { DPoP },
    )
    expect(tokens.token_type).to.equal('dpop')
    const info = (proof: client.DPoPHandle): Promise<unknown> =>
      client.fetchUserInfo(party.configuration, tokens.access_token, mira.accountId, {
        DPoP: proof,
      })
    expect(await info(DPoP)).to.include({ sub: mira.accountId })
    expect(await oauthErrorOf(info(await proofOf()))).to.equal('invalid_token')

    const without = await party.request()
    const attempt = party.redeem(await mira.signIn(without), without)
    expect(await oauthErrorOf(attempt)).to.equal('invalid_grant')
  })
})
