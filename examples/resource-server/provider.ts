import * as oidc from 'openid-client'
import { AUDIENCE, CLIENT_ID, CLIENT_SECRET, CLIENT_URL, ISSUER } from './settings.ts'

/** The level and the age for which an API has asked in its challenge (RFC 9470, 3). */
export interface Asked {
  readonly acrValues?: string
  readonly maxAge?: string
}

/** The values of an authorization request with which its answer is examined. */
export interface Pending {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly maxAge?: number
}

let discovered: Promise<oidc.Configuration> | undefined

/** Runs discovery at the first sign-in, and again after a failure. */
export function configuration(): Promise<oidc.Configuration> {
  discovered ??= oidc
    .discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.ClientSecretBasic(CLIENT_SECRET), {
      // Plain http is for a provider on this machine alone.
      execute: new URL(ISSUER).protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
    })
    .catch((error: unknown) => {
      discovered = undefined
      throw error
    })
  return discovered
}

/** An authorization request for a token of the API, with the level and the age that the API has asked for. */
export async function begin({ acrValues, maxAge }: Asked = {}): Promise<{
  url: URL
  pending: Pending
}> {
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const codeVerifier = oidc.randomPKCECodeVerifier()
  const url = oidc.buildAuthorizationUrl(await configuration(), {
    redirect_uri: `${CLIENT_URL}/callback`,
    scope: 'openid',
    resource: AUDIENCE,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(acrValues === undefined ? {} : { acr_values: acrValues }),
    ...(maxAge === undefined ? {} : { max_age: maxAge }),
  })
  const pending = { state, nonce, codeVerifier }
  return { url, pending: maxAge === undefined ? pending : { ...pending, maxAge: Number(maxAge) } }
}

/** The access token for the API, from the answer in the address of the callback. */
export async function complete(callback: URL, pending: Pending): Promise<string> {
  const tokens = await oidc.authorizationCodeGrant(
    await configuration(),
    callback,
    {
      pkceCodeVerifier: pending.codeVerifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
      ...(pending.maxAge === undefined ? {} : { maxAge: pending.maxAge }),
    },
    { resource: AUDIENCE },
  )
  return tokens.access_token
}
