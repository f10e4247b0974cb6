import { expect } from 'chai'
import * as client from 'openid-client'
import {
  APP,
  claimsOf,
  errorOf,
  MULTI_FACTOR,
  oauthErrorOf,
  relyingParty,
  startServerProcess,
  type RelyingParty,
  type ServerProcess,
  type Tokens,
  type Visitor,
} from './support.ts'

const JWT_API = 'https://api.example'
const OPAQUE_API = 'https://opaque.example/v1'

const claimsIn = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >

describe('the APIs of the server', () => {
  let server: ServerProcess
  let app: RelyingParty
  let api: RelyingParty
  let mira: Visitor

  before(async () => {
    server = await startServerProcess({
      clients: [APP, { ...APP, client_id: 'own', first_party: true }, { ...APP, client_id: 'api' }],
      settings: {
        resources: {
          [JWT_API]: { scopes: ['read', 'transfer'] },
          [OPAQUE_API]: { scopes: ['read'], format: 'opaque', introspectedBy: ['api'] },
        },
        policy: { rules: [{ name: 'money', when: { scope: 'transfer' }, maxAgeSeconds: 300 }] },
      },
    })
    app = await relyingParty(server)
    api = await relyingParty(server, 'api')
    mira = await server.addPerson('mira')
  })
  after(() => server.stop())

  async function tokensFor(resource: string, scope: string, party = app): Promise<Tokens> {
    const request = await party.request({ resource, scope, prompt: 'login consent' })
    return party.redeem(await mira.signIn(request), request)
  }

  it('R27 gives a JWT access token for an API, with the level and the scopes that the person allowed', async () => {
    const tokens = await tokensFor(JWT_API, 'openid offline_access read')
    expect(mira.seen).to.include('consent')
    const said = claimsOf(tokens)
    const level = { acr: MULTI_FACTOR, amr: said.amr, auth_time: said.auth_time }
    expect(claimsIn(tokens.access_token)).to.deep.include({
      iss: server.issuer,
      aud: JWT_API,
      sub: mira.accountId,
      scope: 'read',
      ...level,
    })
    const again = await client.refreshTokenGrant(app.configuration, tokens.refresh_token ?? '')
    expect(claimsIn(again.access_token)).to.deep.include({ aud: JWT_API, scope: 'read', ...level })
  })

  it('shows the scopes of the API on the consent page', async () => {
    const request = await app.request({
      resource: JWT_API,
      scope: 'openid transfer',
      prompt: 'consent',
    })
    const page = await mira.browser.visit(request.url, (url) => url.host === 'app.example')
    expect(page.name).to.equal('consent')
    expect(page.text).to.contain(JWT_API).and.to.contain('transfer')
  })

  it('lets the API ask about an opaque token, which user info refuses', async () => {
    const tokens = await tokensFor(OPAQUE_API, 'openid offline_access read authn')
    const { access_token: token, refresh_token: refresh = '' } = tokens
    const about = await client.tokenIntrospection(api.configuration, token)
    expect(about).to.deep.include({
      active: true,
      aud: OPAQUE_API,
      scope: 'read',
      acr: MULTI_FACTOR,
    })
    expect(about['authn_factors']).to.have.length(2)
    // The app of the token may ask as well, and no other client learns of it.
    expect(await client.tokenIntrospection(app.configuration, token)).to.include({ active: true })
    const other = await relyingParty(server, 'own')
    expect(await client.tokenIntrospection(other.configuration, token)).to.deep.equal({
      active: false,
    })
    const info = client.fetchUserInfo(app.configuration, token, mira.accountId)
    expect(await oauthErrorOf(info)).to.equal('insufficient_scope')
    // A refresh token, by which the app gets tokens for the API, is about the API too.
    expect(await client.tokenIntrospection(api.configuration, refresh)).to.include({ active: true })
    expect(await client.tokenIntrospection(other.configuration, refresh)).to.deep.equal({
      active: false,
    })
  })

  it('names the scopes of all APIs in discovery, and gives them neither at user info nor at another API', async () => {
    const { scopes_supported: scopes } = app.configuration.serverMetadata()
    expect(scopes).to.include.members(['openid', 'authn', 'transfer'])
    expect(scopes?.filter((scope) => scope === 'read')).to.have.length(1)
    const scopesOf = async (params: Readonly<Record<string, string>>): Promise<unknown> => {
      const request = await app.request({
        scope: 'openid read transfer',
        prompt: 'consent',
        ...params,
      })
      const { access_token: token } = await app.redeem(await mira.signIn(request), request)
      return (await client.tokenIntrospection(api.configuration, token)).scope
    }
    expect(await scopesOf({ resource: OPAQUE_API })).to.equal('read')
    expect(await scopesOf({})).to.equal('openid')
  })

  it('gives an app of the service its own scopes without a consent page', async () => {
    const own = await relyingParty(server, 'own')
    const request = await own.request({ resource: JWT_API, scope: 'openid read', prompt: 'login' })
    const tokens = await own.redeem(await mira.signIn(request), request)
    expect(mira.seen).not.to.include('consent')
    expect(claimsIn(tokens.access_token)).to.deep.include({ aud: JWT_API, scope: 'read' })
  })

  it('refuses an API that it does not know', async () => {
    for (const resource of ['https://other.example', 'constructor:x', 'urn:x']) {
      const { url } = await app.request({ resource, scope: 'openid read' })
      expect(errorOf(await mira.signIn(url)), resource).to.equal('invalid_target')
    }
  })
})
