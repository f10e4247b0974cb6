import { expect } from 'chai'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import { randomBytes, randomUUID } from 'node:crypto'
import { errors, type Adapter, type Configuration } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { REPEAT_SECONDS } from '../../src/domain/refresh.ts'
import { overlay } from '../../src/host/overlay.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  callbackOf,
  CLIENT,
  follow,
  PUBLIC_CLIENT,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import type { Answered } from './relying-party.ts'
import { enrolledPerson, signIn } from './sign-in.ts'

const CLIENTS = [CLIENT, PUBLIC_CLIENT, { ...PUBLIC_CLIENT, client_id: 'stranger' }]
const SCOPE = 'openid email offline_access'

/** The headers with which an app proves that a request to an address is its own. */
type Sender = (url: URL) => Promise<Record<string, string>>

/** A key of an app (DPoP, RFC 9449). */
async function withKey(): Promise<Sender> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk: JWK = await exportJWK(publicKey)
  return async (url) => ({
    dpop: await new SignJWT({ htm: 'POST', htu: url.href, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey),
  })
}

/** A certificate of an app (RFC 8705), of which a proxy passes on the bytes. */
function withCertificate(): Promise<Sender> {
  const certificate = randomBytes(32).toString('base64')
  return Promise.resolve(() => Promise.resolve({ 'x-client-certificate': certificate }))
}

const MTLS: Configuration = {
  clients: [CLIENT, { ...PUBLIC_CLIENT, tls_client_certificate_bound_access_tokens: true }],
  features: {
    devInteractions: { enabled: false },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      getCertificate: (ctx) => ctx.get('x-client-certificate') || undefined,
    },
  },
}

describe('a refresh token that is used again', () => {
  let host: Host
  const hosts: Host[] = []
  afterEach(async () => {
    for (const each of hosts.splice(0)) await each.close()
  })

  async function start(options: HostOptions = {}): Promise<Host> {
    host = await startHost({
      ...options,
      configuration: { clients: CLIENTS, rotateRefreshToken: true, ...options.configuration },
    })
    hosts.push(host)
    return host
  }

  async function token(
    fields: Record<string, string>,
    { clientId = 'public', sender, at = host }: Asking = {},
  ): Promise<Answered> {
    const url = new URL('/token', at.issuer)
    const response = await fetch(url, {
      method: 'POST',
      headers: sender === undefined ? {} : await sender(url),
      body: new URLSearchParams({ client_id: clientId, ...fields }),
    })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }

  interface Asking {
    readonly clientId?: string
    readonly sender?: Sender
    readonly at?: Host
  }

  async function signedIn(asking: Asking = {}): Promise<string> {
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const consent = await signIn(host, browser, mira, {
      client_id: 'public',
      scope: SCOPE,
      prompt: 'consent',
    })
    const callback = callbackOf(await follow(host, browser, await browser.submit(consent)))
    const { json } = await token(
      {
        grant_type: 'authorization_code',
        code: callback.get('code')!,
        redirect_uri: PUBLIC_CLIENT.redirect_uris[0]!,
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      },
      asking,
    )
    expect(json.refresh_token).to.be.a('string')
    return String(json.refresh_token)
  }

  const use = (
    refreshToken: unknown,
    asking?: Asking & { readonly scope?: string },
  ): Promise<Answered> => {
    const scope: Record<string, string> = asking?.scope === undefined ? {} : { scope: asking.scope }
    return token(
      { grant_type: 'refresh_token', refresh_token: String(refreshToken), ...scope },
      asking,
    )
  }
  const isActive = async (accessToken: unknown): Promise<boolean> => {
    const headers = { authorization: `Bearer ${String(accessToken)}` }
    return (await fetch(new URL('/me', host.issuer), { headers })).status === 200
  }

  async function expectEnded(...answers: readonly Answered[]): Promise<void> {
    for (const { json } of answers) {
      expect(await isActive(json.access_token)).to.equal(false)
      expect((await use(json.refresh_token)).json.error).to.equal('invalid_grant')
    }
  }

  it('R21 gets the same new token within ten seconds, and ends the family later', async () => {
    await start()
    const first = await use(await signedIn())
    const old = first.json.refresh_token
    const second = await use(old)
    host.clock.at += REPEAT_SECONDS
    const again = await use(old)
    expect(again.json.refresh_token).to.equal(second.json.refresh_token)
    expect(again.json.access_token).not.to.equal(second.json.access_token)
    const stored = host.writes.filter(({ id }) => id === second.json.refresh_token)
    expect(stored.map(({ deed }) => deed)).to.deep.equal(['RefreshToken.upsert'])
    for (const { json } of [first, second, again])
      expect(await isActive(json.access_token)).to.equal(true)
    host.clock.at += 1
    expect((await use(old)).json.error).to.equal('invalid_grant')
    await expectEnded(first, second, again)
  })

  it('R21 ends the family within ten seconds too, if the new token has been used', async () => {
    await start()
    const old = await signedIn()
    const second = await use(old)
    const third = await use(second.json.refresh_token)
    expect(third.status).to.equal(200)
    expect((await use(old)).json.error).to.equal('invalid_grant')
    await expectEnded(second, third)
  })

  it('R21 ends the family if another client presents it', async () => {
    await start()
    const old = await signedIn()
    const second = await use(old)
    expect((await use(old, { clientId: 'stranger' })).json.error).to.equal('invalid_grant')
    await expectEnded(second)
  })

  it('R21 ends the family after ten seconds, whatever else the host refuses the request for', async () => {
    await start()
    const old = await signedIn()
    const second = await use(old)
    host.clock.at += REPEAT_SECONDS + 1
    expect((await use(old, { scope: 'openid phone' })).json.error).to.equal('invalid_scope')
    await expectEnded(second)
  })

  it('gets the scope that it asks for; a scope that was not granted changes nothing', async () => {
    await start()
    const old = await signedIn()
    const second = await use(old)
    const narrow = await use(old, { scope: 'openid' })
    expect(narrow.json).to.include({
      scope: 'openid',
      refresh_token: second.json.refresh_token,
    })
    expect((await use(old, { scope: 'openid phone' })).json.error).to.equal('invalid_scope')
    const third = await use(second.json.refresh_token)
    expect(third.json).to.include({ scope: SCOPE })
  })

  for (const [kind, { newSender, ...options }] of Object.entries({
    key: { newSender: withKey },
    certificate: { newSender: withCertificate, configuration: MTLS },
  })) {
    let mine: Sender
    let old: string
    let second: Answered
    async function used(): Promise<void> {
      await start(options)
      mine = await newSender()
      old = await signedIn({ sender: mine })
      second = await use(old, { sender: mine })
    }

    it(`R21 that is bound to a ${kind} gets the same new token with the same ${kind}`, async () => {
      await used()
      const again = await use(old, { sender: mine })
      expect(again.json.refresh_token).to.equal(second.json.refresh_token)
      expect((await use(again.json.refresh_token, { sender: mine })).status).to.equal(200)
    })

    for (const which of ['another', 'no'])
      it(`R21 ends the family with ${which} ${kind}`, async () => {
        await used()
        const asking = which === 'no' ? {} : { sender: await newSender() }
        expect((await use(old, asking)).json.error).to.equal('invalid_grant')
        const after = await use(second.json.refresh_token, { sender: mine })
        expect(after.json.error).to.equal('invalid_grant')
      })
  }

  it('gets its new token although the node of the first use ended before it stored it', async () => {
    let isLost = false
    await start({
      storage: (clock) => {
        const storage = memoryStorage({ clock })
        return onRefreshTokens(storage, (records) => ({
          async upsert(id, payload, expiresIn) {
            if (isLost) throw new errors.TemporarilyUnavailable()
            return records.upsert(id, payload, expiresIn)
          },
        }))
      },
    })
    const old = await signedIn()
    isLost = true
    expect((await use(old)).json.error).to.equal('temporarily_unavailable')
    isLost = false
    const again = await use(old)
    expect((await use(again.json.refresh_token)).status).to.equal(200)
  })

  it('R20 R21 revives nothing that has ended meanwhile', async () => {
    await start()
    const revoked = await signedIn()
    const { json } = await use(revoked)
    await fetch(new URL('/token/revocation', host.issuer), {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'public', token: String(json.refresh_token) }),
    })
    expect((await use(revoked)).json.error).to.equal('invalid_grant')
  })

  it('R20 R21 revives nothing of an epoch that has ended', async () => {
    await start()
    const old = await signedIn()
    const second = await use(old)
    await host.mfa.accounts.passwordChanged('mira')
    expect((await use(old)).json.error).to.equal('invalid_grant')
    await expectEnded(second)
  })

  it('gets the same new token although the rule of the application says something else by then', async () => {
    let rotates = true
    await start({ configuration: { rotateRefreshToken: () => rotates } })
    const old = await signedIn()
    const second = await use(old)
    rotates = false
    const again = await use(old)
    expect(again.json.refresh_token).to.equal(second.json.refresh_token)
    expect((await use(again.json.refresh_token)).json.refresh_token).to.equal(
      again.json.refresh_token,
    )
  })

  it('gets the same new token from a node that has one more encryption key', async () => {
    const shared = memoryStorage({ clock: { now: () => host.clock.at } })
    const before = Buffer.alloc(32, 7)
    const one = await start({ storage: () => shared, mfa: { encryptionKeys: [before] } })
    const old = await signedIn()
    const second = await use(old)
    const other = await start({
      storage: () => shared,
      mfa: { encryptionKeys: [Buffer.alloc(32, 8), before], clock: one.clock },
    })
    const again = await use(old, { at: other })
    expect(again.json.refresh_token).to.equal(second.json.refresh_token)
  })

  it('R21 ends the family at once where the adapter does not say that a used token stays used', async () => {
    await start({
      storage: (clock) => {
        const storage = memoryStorage({ clock })
        const hostRecords: ServerStorage['hostRecords'] = (model) =>
          overlay(storage.hostRecords(model), { atomicConsume: false })
        return { ...storage, hostRecords }
      },
    })
    const first = await signedIn()
    const { status, json } = await use(first)
    expect(status).to.equal(200)
    expect((await use(first)).json.error).to.equal('invalid_grant')
    expect(await isActive(json.access_token)).to.equal(false)
    expect((await use(json.refresh_token)).json.error).to.equal('invalid_grant')
  })
})

function onRefreshTokens(
  storage: ServerStorage,
  replaced: (records: Adapter) => Partial<Adapter>,
): ServerStorage {
  return {
    ...storage,
    hostRecords(model) {
      const records: Adapter = storage.hostRecords(model)
      return model === 'RefreshToken' ? overlay(records, { ...replaced(records) }) : records
    },
  }
}
