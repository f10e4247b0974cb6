import { expect } from 'chai'
import * as client from 'openid-client'
import {
  APP,
  CALLBACK,
  claimsOf,
  oauthErrorOf,
  relyingParty,
  SECRET,
  startServerProcess,
  type RelyingParty,
  type ServerProcess,
  type Tokens,
  type Visitor,
} from './support.ts'

const PUBLIC_APP = {
  client_id: 'public',
  client_name: 'The Public App',
  token_endpoint_auth_method: 'none',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
}

describe('the tokens of a sign-in', () => {
  let server: ServerProcess
  let app: RelyingParty
  let publicApp: RelyingParty
  let mira: Visitor

  before(async () => {
    server = await startServerProcess({
      clients: [APP, { ...APP, client_id: 'other' }, PUBLIC_APP],
    })
    app = await relyingParty(server)
    publicApp = await relyingParty(server, 'public', client.None())
  })
  after(() => server.stop())

  let people = 0
  beforeEach(async () => {
    people += 1
    mira = await server.addPerson(`mira${people}`)
  })

  const signedIn = async (party = app): Promise<Tokens> => {
    const request = await party.request({ scope: 'openid email offline_access', prompt: 'consent' })
    return party.redeem(await mira.signIn(request), request)
  }
  const refresh = (token: string | undefined, party = app): Promise<Tokens> =>
    client.refreshTokenGrant(party.configuration, token ?? '')
  const isActive = async (token: string | undefined, party = app): Promise<boolean> =>
    (await client.tokenIntrospection(party.configuration, token ?? '')).active

  describe('a page of another origin', () => {
    const allowedFor = async (clientId: string, path: string): Promise<string | null> => {
      const response = await fetch(new URL(path, server.issuer), {
        method: 'POST',
        headers: {
          origin: new URL(CALLBACK).origin,
        },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: 'unknown',
          client_id: clientId,
          ...(clientId === 'public' ? {} : { client_secret: SECRET }),
        }),
      })
      return response.headers.get('access-control-allow-origin')
    }

    it('reads the answers of the token endpoint for a client without a secret, and for no other', async () => {
      expect(await allowedFor('public', '/token')).to.equal(new URL(CALLBACK).origin)
      expect(await allowedFor('app', '/token')).to.equal(null)
    })
  })

  describe('a refresh token', () => {
    /** The refresh tokens of the answers to six requests at once, as a proxy in front of an app sends them. */
    const useAtOnce = async (
      token: string | undefined,
      party: RelyingParty,
    ): Promise<unknown[]> => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(token, party)))
      return [...new Set(answers.map((answer) => answer.refresh_token))]
    }

    it('R21 of a public client is replaced at each use, by one token for six uses at once', async () => {
      const first = await signedIn(publicApp)
      const second = await refresh(first.refresh_token, publicApp)
      expect(second.refresh_token).to.be.a('string').and.not.to.equal(first.refresh_token)
      const third = await useAtOnce(second.refresh_token, publicApp)
      expect(third).to.have.length(1)
      expect([undefined, second.refresh_token]).not.to.include(third[0])
    })

    it('R21 of a public client used again after its successor ends the whole family, access tokens included', async () => {
      const first = await signedIn(publicApp)
      const second = await refresh(first.refresh_token, publicApp)
      const third = await refresh(second.refresh_token, publicApp)
      expect(await isActive(third.access_token, publicApp)).to.equal(true)
      for (const { refresh_token: token } of [first, third])
        expect(await oauthErrorOf(refresh(token, publicApp))).to.equal('invalid_grant')
      for (const { access_token: token } of [first, second, third])
        expect(await isActive(token, publicApp)).to.equal(false)
    })

    it('R21 of a confidential client is bound by its authentication: six uses at once are answered with the same token', async () => {
      const { refresh_token: token } = await signedIn()
      expect(await useAtOnce(token, app)).to.deep.equal([token])
      expect(await useAtOnce(token, app)).to.deep.equal([token])
    })

    it('R25 keeps when and how the person signed in, time after time', async () => {
      const first = await signedIn()
      const second = await refresh(first.refresh_token)
      const third = await refresh(second.refresh_token)
      for (const claim of ['sub', 'auth_time', 'acr', 'amr'])
        for (const tokens of [second, third])
          expect(claimsOf(tokens)[claim], claim).to.deep.equal(claimsOf(first)[claim])
    })

    it('is of no use to another client', async () => {
      const { refresh_token: token } = await signedIn()
      const other = await relyingParty(server, 'other')
      expect(await oauthErrorOf(refresh(token, other))).to.equal('invalid_grant')
    })

    it('cannot ask for more than was granted', async () => {
      const { refresh_token: token = '' } = await signedIn()
      const more = client.refreshTokenGrant(app.configuration, token, {
        scope: 'openid email phone offline_access',
      })
      expect(await oauthErrorOf(more)).to.equal('invalid_scope')
    })

    it('is not given where nobody asked for it', async () => {
      const request = await app.request({ scope: 'openid email' })
      expect(await app.redeem(await mira.signIn(request), request)).not.to.have.property(
        'refresh_token',
      )
    })
  })

  describe('introspection', () => {
    it('says whose a token is and how long it lives', async () => {
      const tokens = await signedIn()
      const about = await client.tokenIntrospection(app.configuration, tokens.access_token)
      expect(about).to.deep.include({
        active: true,
        sub: mira.accountId,
        client_id: 'app',
        scope: 'openid email offline_access',
      })
      expect(about.exp).to.be.a('number')
    })

    it('tells a public client nothing of the tokens of others', async () => {
      const tokens = await signedIn()
      expect(await isActive(tokens.access_token, publicApp)).to.equal(false)
    })

    it('is refused to a client with a wrong secret', async () => {
      const { access_token: token } = await signedIn()
      const impostor = await relyingParty(server, 'app', client.ClientSecretBasic('a wrong one'))
      expect(await oauthErrorOf(client.tokenIntrospection(impostor.configuration, token))).to.equal(
        'invalid_client',
      )
    })
  })

  describe('revocation', () => {
    it('ends an access token at once', async () => {
      const { access_token: token } = await signedIn()
      await client.tokenRevocation(app.configuration, token)
      expect(await isActive(token)).to.equal(false)
      const info = client.fetchUserInfo(app.configuration, token, mira.accountId)
      expect(await oauthErrorOf(info)).to.equal('invalid_token')
    })

    it('of a refresh token ends what it was used for', async () => {
      const { refresh_token: token = '' } = await signedIn()
      await client.tokenRevocation(app.configuration, token)
      expect(await oauthErrorOf(refresh(token))).to.equal('invalid_grant')
    })

    it('of another client’s token changes nothing', async () => {
      const { access_token: token } = await signedIn()
      const other = await relyingParty(server, 'other')
      await oauthErrorOf(client.tokenRevocation(other.configuration, token))
      expect(await isActive(token)).to.equal(true)
    })
  })

  describe('user info', () => {
    it('tells by GET and by POST what the scope holds, and no more', async () => {
      const { access_token: token } = await signedIn()
      const url = new URL(app.configuration.serverMetadata().userinfo_endpoint ?? '')
      for (const method of ['GET', 'POST']) {
        const response = await client.fetchProtectedResource(app.configuration, token, url, method)
        expect(await response.json(), method).to.deep.equal({
          sub: mira.accountId,
          email: `${mira.username}@example.com`,
          email_verified: true,
        })
      }
    })

    it('is refused without a token, and with one in the address', async () => {
      const { access_token: token } = await signedIn()
      const url = new URL(app.configuration.serverMetadata().userinfo_endpoint ?? '')
      expect((await fetch(url)).status).to.be.within(400, 401)
      url.searchParams.set('access_token', token)
      expect((await fetch(url)).status).to.be.within(400, 401)
    })
  })
})
