import { createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey } from 'jose'
import * as oidc from 'openid-client'
import type { Claims, PendingSignIn, SignedIn } from './sessions.ts'

export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

export interface ProviderOptions {
  readonly issuer: string
  readonly clientId: string
  /** Absent: a public client. */
  readonly clientSecret?: string
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
  /** Seconds since the Unix epoch. */
  readonly now: () => number
}

/** The terms of a sign-in. */
export interface Asked {
  /** A level that must be reached. */
  readonly acr?: string
  /** The longest time since a second factor was shown. Default: any. */
  readonly maxAgeSeconds?: number
  /** The path of this app to which the person goes on. */
  readonly onward?: string
}

/** The time of each factor is asked for beside the level: the age is checked by it. */
function claimsFor(acr: string, maxAgeSeconds: number | undefined): string {
  const age = maxAgeSeconds === undefined ? {} : { max_age: maxAgeSeconds }
  const factors = maxAgeSeconds === undefined ? {} : { authn_factors: null }
  return JSON.stringify({ id_token: { acr: { essential: true, value: acr, ...age }, ...factors } })
}

/**
 * Whether the ID token tells of a second factor that was shown at most `seconds` ago. A browser that stood in for a factor
 * is none.
 */
export function hasFreshFactor(claims: Claims, seconds: number, now: number): boolean {
  const told = claims['authn_factors']
  const factors = (Array.isArray(told) ? told : []) as readonly Readonly<Record<string, unknown>>[]
  return factors.some(
    ({ amr, time, trusted_browser: trusted }) =>
      Array.isArray(amr) &&
      !amr.includes('pwd') &&
      trusted !== true &&
      typeof time === 'number' &&
      now - time <= seconds,
  )
}

/**
 * The ID token does not have the `acr` that was requested as essential, so nobody is signed in (OpenID Connect Core
 * 5.5.1.1).
 */
export class LevelNotReached extends Error {}

/** The identity provider as this app sees it: everything goes through `openid-client`. */
export class Provider {
  readonly #options: ProviderOptions
  #discovered: Promise<oidc.Configuration> | undefined
  #keys: JWTVerifyGetKey | undefined
  /** The `jti` of used logout tokens, with the time until which each is remembered: each token is accepted once. */
  readonly #usedTokens = new Map<string, number>()

  constructor(options: ProviderOptions) {
    this.#options = options
  }

  /**
   * Begins a sign-in. Returns the URL for the browser and the values to remember.
   */
  async begin({ acr, maxAgeSeconds, onward }: Asked = {}): Promise<{
    url: URL
    pending: PendingSignIn
  }> {
    const configuration = await this.#configuration()
    const state = oidc.randomState()
    const nonce = oidc.randomNonce()
    const codeVerifier = oidc.randomPKCECodeVerifier()
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#options.redirectUri,
      scope: 'openid profile email',
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      ...(acr === undefined ? {} : { claims: claimsFor(acr, maxAgeSeconds) }),
    })
    return {
      url,
      pending: {
        state,
        nonce,
        codeVerifier,
        ...(acr === undefined ? {} : { acr }),
        ...(onward === undefined ? {} : { onward }),
      },
    }
  }

  /** Turns the answer in the callback's address into a signed-in person. Throws when anything does not fit. */
  async complete(callback: URL, pending: PendingSignIn): Promise<SignedIn> {
    const configuration = await this.#configuration()
    const tokens = await oidc.authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: pending.codeVerifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (claims === undefined || tokens.id_token === undefined) throw new Error('No ID token.')
    if (pending.acr !== undefined && claims['acr'] !== pending.acr)
      throw new LevelNotReached(`Asked for ${pending.acr}.`)
    const userinfo = await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub)
    return { idToken: tokens.id_token, claims, userinfo }
  }

  async signOutUrl(idToken: string): Promise<URL> {
    return oidc.buildEndSessionUrl(await this.#configuration(), {
      id_token_hint: idToken,
      post_logout_redirect_uri: this.#options.postLogoutRedirectUri,
    })
  }

  /**
   * Reads a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). Throws unless the provider signed it for
   * this app, as a logout token and nothing else, and it was not used before.
   */
  async readLogoutToken(token: string): Promise<{ subject?: string; sid?: string }> {
    const metadata = (await this.#configuration()).serverMetadata()
    this.#keys ??= createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''))
    const { payload } = await jwtVerify<Claims>(token, this.#keys, {
      issuer: metadata.issuer,
      audience: this.#options.clientId,
      typ: 'logout+jwt',
      maxTokenAge: '2 minutes',
      clockTolerance: '30 seconds',
      requiredClaims: ['iat', 'jti', 'events'],
    })
    const { sub, sid, jti = '' } = payload
    const { events } = payload as Claims
    if (typeof events !== 'object' || events === null || !(LOGOUT_EVENT in events))
      throw new Error('It says nothing of a logout.')
    // An ID token has a nonce: a leaked ID token must not pass for a logout token.
    if ('nonce' in payload) throw new Error('It has a nonce.')
    if (sub === undefined && typeof sid !== 'string') throw new Error('It names nobody.')
    this.#useOnce(jti)
    return {
      ...(sub === undefined ? {} : { subject: sub }),
      ...(typeof sid === 'string' ? { sid } : {}),
    }
  }

  #useOnce(jti: string): void {
    const now = this.#options.now()
    for (const [used, until] of this.#usedTokens) if (until <= now) this.#usedTokens.delete(used)
    if (this.#usedTokens.has(jti)) throw new Error('It was used before.')
    this.#usedTokens.set(jti, now + 5 * 60)
  }

  /** Runs discovery at first use, and again after a failure: the app may start before its provider. */
  #configuration(): Promise<oidc.Configuration> {
    this.#discovered ??= this.#discover().catch((error: unknown) => {
      this.#discovered = undefined
      throw error
    })
    return this.#discovered
  }

  #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options
    return oidc.discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret),
      { timeout: 5, execute: isLoopbackHttp(issuer) ? [oidc.allowInsecureRequests] : [] },
    )
  }
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Plain http is allowed only for a provider on this machine: from any other host tokens could be read on the way. */
function isLoopbackHttp(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer)
  return protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
}
