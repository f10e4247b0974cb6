import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const AUDIENCE = 'https://api.example'
export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export interface Key {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

export async function makeKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    kid,
    privateKey,
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
  }
}

export interface Answer {
  readonly status?: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A form that was sent to the introspection endpoint. */
export interface Posted {
  readonly authorization: string | undefined
  readonly fields: Readonly<Record<string, string>>
}

/** An issuer on loopback: discovery, keys and introspection, without anything that signs people in. */
export interface Issuer {
  readonly url: string
  /** The keys that it publishes. */
  keys: readonly JWK[]
  /** Other answers in place of its own, by path. With `hang`, the request gets no answer. */
  readonly instead: Record<string, Answer | 'hang'>
  /** The answer of the introspection endpoint. */
  introspection: Readonly<Record<string, unknown>>
  /** The paths that were asked, in order. */
  readonly asked: string[]
  readonly posted: Posted[]
  close(): Promise<void>
}

export const DISCOVERY = '/.well-known/openid-configuration'

export async function startIssuer(): Promise<Issuer> {
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: Issuer = {
    url,
    keys: [],
    instead: {},
    introspection: { active: false },
    asked: [],
    posted: [],
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    issuer.asked.push(path)
    const instead = issuer.instead[path]
    if (instead === 'hang') return
    const { status = 200, body = ownAnswer(path), headers = {} } = instead ?? {}
    if (request.method === 'POST')
      issuer.posted.push({
        authorization: request.headers.authorization,
        fields: Object.fromEntries(new URLSearchParams(await text(request))),
      })
    response.writeHead(body === undefined && status === 200 ? 404 : status, {
      'content-type': 'application/json',
      ...headers,
    })
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
  }
  function ownAnswer(path: string): unknown {
    if (path === DISCOVERY) return { issuer: url, jwks_uri: `${url}/jwks` }
    if (path === '/jwks') return { keys: issuer.keys }
    if (path === '/introspection') return issuer.introspection
    return undefined
  }
  return issuer
}

/** A clock that a test moves. */
export class TestClock {
  at = 1_800_000_000
  now = (): number => this.at
}

/** A JWT access token of the issuer, or one that differs from it. `null` leaves a claim or header out. */
export function signToken(
  issuer: Pick<Issuer, 'url'>,
  key: Pick<Key, 'kid' | 'privateKey'>,
  clock: TestClock,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const payload = withoutNull({
    iss: issuer.url,
    aud: AUDIENCE,
    sub: 'mira',
    client_id: 'app',
    iat: clock.at,
    exp: clock.at + 600,
    ...claims,
  })
  const headers = withoutNull({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
  return new SignJWT(payload)
    .setProtectedHeader({ ...headers, alg: String(headers['alg']) })
    .sign(key.privateKey)
}

function withoutNull(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}
