import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { makeCertificate } from '../support/certificate.ts'
import {
  APP,
  atTheApp,
  claimsOf,
  errorOf,
  oauthErrorOf,
  relyingParty,
  SIGNED_OUT,
  startServerProcess,
  type RelyingParty,
  type ServerProcess,
  type Tokens,
  type Visitor,
} from './support.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

function portOf(listening: Server): number {
  return (listening.address() as AddressInfo).port
}

describe('signing out', () => {
  let server: ServerProcess
  let app: RelyingParty
  let mira: Visitor
  let backchannel: Server
  let notices: string[]
  /** The status of the back channel's answers; a redirect leads to `/elsewhere`. */
  let answered = 200
  let paths: string[]
  /** An app whose certificate comes from an authority of its own, which the server is started with. */
  let privateApp: Server
  let privately: number
  let folder: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-sign-out-'))
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    makeCertificate({ key, certificate })
    privateApp = createTlsServer(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      (_request, response) => {
        privately += 1
        response.end()
      },
    )
    await new Promise<void>((resolve) => privateApp.listen(0, '127.0.0.1', resolve))
    backchannel = createServer((request, response) => {
      paths.push(request.url ?? '')
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        notices.push(new URLSearchParams(body).get('logout_token') ?? '')
        response.writeHead(answered, { Location: '/elsewhere' }).end()
      })
    })
    await new Promise<void>((resolve) => backchannel.listen(0, '127.0.0.1', resolve))
    const port = portOf(backchannel)
    server = await startServerProcess({
      environment: { NODE_EXTRA_CA_CERTS: certificate },
      clients: [
        {
          ...APP,
          client_id: 'private',
          first_party: true,
          backchannel_logout_uri: `https://localhost:${portOf(privateApp)}/`,
        },
        {
          ...APP,
          client_id: 'gone',
          first_party: true,
          backchannel_logout_uri: 'http://127.0.0.1:9/',
        },
        {
          ...APP,
          backchannel_logout_uri: `http://127.0.0.1:${port}/signed-out`,
          backchannel_logout_session_required: true,
        },
        { ...APP, client_id: 'silent' },
      ],
    })
    app = await relyingParty(server)
  })
  after(async () => {
    await server.stop()
    backchannel.close()
    privateApp.close()
    rmSync(folder, { recursive: true })
  })

  let people = 0
  beforeEach(async () => {
    notices = []
    paths = []
    answered = 200
    privately = 0
    people += 1
    mira = await server.addPerson(`mira${people}`)
  })

  const signedIn = async (scope = 'openid'): Promise<Tokens> => {
    const request = await app.request({ scope, prompt: 'consent' })
    return app.redeem(await mira.signIn(request), request)
  }
  const endSession = (params: Readonly<Record<string, string>> = {}): URL =>
    client.buildEndSessionUrl(app.configuration, params)
  const isSignedIn = async (): Promise<boolean> => {
    const { url } = await app.request({ prompt: 'none' })
    return errorOf(await mira.browser.visit(url, atTheApp)) === undefined
  }

  it('by the app asks, ends the session and returns with the state', async () => {
    const { id_token: idToken = '' } = await signedIn()
    const page = await mira.browser.visit(
      endSession({
        id_token_hint: idToken,
        post_logout_redirect_uri: SIGNED_OUT,
        state: 'to be kept',
      }),
    )
    expect(page.name).to.equal('logout')
    expect(await isSignedIn()).to.equal(true)
    const back = await mira.browser.follow(await mira.browser.submit(page), atTheApp)
    expect(back.location?.href).to.equal(`${SIGNED_OUT}?state=to+be+kept`)
    expect(await isSignedIn()).to.equal(false)
  })

  it('can be declined: the app that asked is told and loses its tokens, the person stays', async () => {
    const { access_token: token } = await signedIn()
    const page = await mira.browser.visit(endSession())
    await mira.browser.follow(
      await mira.browser.submit(page, {}, { form: 'form:has([data-refuse])' }),
    )
    expect(notices).to.have.length(1)
    const about = await client.tokenIntrospection(app.configuration, token)
    expect(about.active).to.equal(false)
    expect(await isSignedIn()).to.equal(true)
  })

  const signInTo = async (clientId: string): Promise<void> => {
    const party = await relyingParty(server, clientId)
    const request = await party.request()
    await party.redeem(await mira.signIn(request), request)
  }
  const signOut = async (): Promise<void> => {
    const page = await mira.browser.visit(endSession())
    await mira.browser.follow(await mira.browser.submit(page))
  }
  /** The entries of the trail about apps that could not be told, each as `client: reason`. */
  const notDelivered = async (): Promise<string[]> => {
    const about = { type: 'sign-out-not-delivered', accountId: mira.accountId, limit: 10 }
    const entries = await server.storage.audit.list(about)
    return entries.map(({ detail }) => `${detail.clientId}: ${detail.reason}`)
  }

  it('tells an app at its registered address alone, and follows no redirect from there', async () => {
    for (answered of [302, 307]) {
      paths = []
      await signedIn()
      await signOut()
      expect(paths).to.deep.equal(['/signed-out'])
    }
    expect(await notDelivered()).to.deep.equal(['app: refused', 'app: refused'])
  })

  it('records an app that could not be reached, and no other', async () => {
    await signedIn()
    await signInTo('gone')
    await signOut()
    expect(notices).to.have.length(1)
    expect(await notDelivered()).to.deep.equal(['gone: unreachable'])
  })

  it('tells an app behind a private authority, which NODE_EXTRA_CA_CERTS names', async () => {
    await signInTo('private')
    await signOut()
    expect(privately).to.equal(1)
    expect(await notDelivered()).to.deep.equal([])
  })

  it('without an address says that it is done', async () => {
    await signedIn()
    const page = await mira.browser.visit(endSession())
    const done = await mira.browser.follow(await mira.browser.submit(page), atTheApp)
    expect([done.status, done.name]).to.deep.equal([200, 'signed-out'])
  })

  for (const uri of [
    'https://evil.example/',
    `${SIGNED_OUT}/`,
    `${SIGNED_OUT}?x=1`,
    'https://app.example@evil.example/signed-out',
    '//evil.example/',
    'javascript:alert(1)',
  ])
    it(`never leads to ${uri}`, async () => {
      const { id_token: idToken = '' } = await signedIn()
      for (const hint of [{ id_token_hint: idToken }, { client_id: 'app' }, {}]) {
        const url = new URL(app.configuration.serverMetadata().end_session_endpoint ?? '')
        url.search = new URLSearchParams({ ...hint, post_logout_redirect_uri: uri }).toString()
        let page = await mira.browser.visit(url, () => true)
        if (page.name === 'logout')
          page = await mira.browser.follow(
            await mira.browser.submit(page),
            ({ origin }) => origin !== server.issuer,
          )
        expect(page.location, JSON.stringify(hint)).to.equal(undefined)
        expect(page.body).not.to.contain('evil.example')
      }
    })

  it('is not done by another site: the form is bound to the session', async () => {
    await signedIn()
    const page = await mira.browser.visit(endSession())
    const { action, fields } = page.form()
    const forged = await mira.browser.post(
      new URL(action, page.url),
      { ...fields, xsrf: 'f'.repeat(48), logout: 'yes' },
      { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } },
    )
    expect(forged.status).to.equal(400)
    expect(await isSignedIn()).to.equal(true)
  })

  it('tells an app that wants to know, by a token that it can check', async () => {
    const claims = claimsOf(await signedIn())
    const page = await mira.browser.visit(endSession())
    await mira.browser.follow(await mira.browser.submit(page), atTheApp)
    expect(notices).to.have.length(1)
    const { payload, protectedHeader } = await jwtVerify(
      notices[0] ?? '',
      createRemoteJWKSet(new URL(app.configuration.serverMetadata().jwks_uri ?? '')),
      { issuer: server.issuer, audience: 'app' },
    )
    expect(protectedHeader.typ).to.equal('logout+jwt')
    expect(payload).to.deep.include({ sub: mira.accountId, events: { [EVENT]: {} } })
    expect(payload['sid']).to.be.a('string').and.to.equal(claims['sid'])
    expect(payload).not.to.have.property('nonce')
  })

  it('ends the tokens of the session; one for offline use goes on', async () => {
    const request = await app.request()
    const online = await app.redeem(await mira.signIn(request), request)
    const offline = await signedIn('openid offline_access')
    const page = await mira.browser.visit(endSession())
    await mira.browser.follow(await mira.browser.submit(page), atTheApp)
    const isActive = async (token: string): Promise<boolean> =>
      (await client.tokenIntrospection(app.configuration, token)).active
    expect(await isActive(online.access_token)).to.equal(false)
    const refreshed = client.refreshTokenGrant(app.configuration, offline.refresh_token ?? '')
    expect(await oauthErrorOf(refreshed)).to.equal('none')
  })
})
