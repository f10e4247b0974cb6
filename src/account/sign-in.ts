import * as oidc from 'openid-client'
import { MfaError } from '../domain/errors.ts'

export interface SignInOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly idTokenAlgorithm: string
  readonly endpoints: {
    readonly authorization: string
    readonly token: string
    readonly userinfo: string
  }
  /** How the provider is reached from this machine: its public address may lead nowhere from here. */
  readonly fetch: typeof fetch
}

/** The data that the browser keeps of a sign-in that it has begun. */
export interface PendingSignIn {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface SignedIn {
  /** The provider binds it to the session and the grant, and so to their epoch. */
  readonly accessToken: string
  readonly accountId: string
  readonly name: string
}

/**
 * The provider as any relying party sees it: an authorization request with PKCE, the token endpoint, userinfo. The
 * console learns of a session only from these responses, so everything that ends the provider's session ends the
 * console's session too.
 */
export class AccountSignIn {
  readonly #options: SignInOptions
  readonly #configuration: oidc.Configuration

  constructor(options: SignInOptions) {
    this.#options = options
    const { issuer, clientId, clientSecret, endpoints } = options
    this.#configuration = new oidc.Configuration(
      {
        issuer,
        authorization_endpoint: endpoints.authorization,
        token_endpoint: endpoints.token,
        userinfo_endpoint: endpoints.userinfo,
      },
      clientId,
      { id_token_signed_response_alg: options.idTokenAlgorithm },
      oidc.ClientSecretBasic(clientSecret),
    )
    this.#configuration[oidc.customFetch] = (url, request) =>
      options.fetch(url, request as RequestInit)
    // The address is this server's own, reached on this machine.
    oidc.allowInsecureRequests(this.#configuration)
  }

  /** Where to send the browser. `change`: what the provider's pages are to change on the way. */
  async begin(change?: string): Promise<{ readonly url: URL; readonly pending: PendingSignIn }> {
    const pending = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
    }
    const url = oidc.buildAuthorizationUrl(this.#configuration, {
      redirect_uri: this.#options.redirectUri,
      scope: 'openid profile',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
      ...(change === undefined ? {} : { mfa_action: change }),
    })
    return { url, pending }
  }

  /**
   * The person who came back. Undefined: the provider refused (the person cancelled, or the code was used or has
   * expired). Throws MfaError `storage-unavailable` while the provider does not answer.
   */
  async complete(callback: URL, pending: PendingSignIn): Promise<SignedIn | undefined> {
    return this.#ask(async () => {
      const tokens = await oidc.authorizationCodeGrant(this.#configuration, callback, {
        pkceCodeVerifier: pending.codeVerifier,
        expectedState: pending.state,
        expectedNonce: pending.nonce,
        idTokenExpected: true,
      })
      const accountId = tokens.claims()?.sub ?? ''
      const name = await this.#nameOf(tokens.access_token, accountId)
      return { accessToken: tokens.access_token, accountId, name }
    })
  }

  /** Whether the sign-in is still valid; throws as `complete` does. */
  async isLive({ accessToken, accountId }: SignedIn): Promise<boolean> {
    return (await this.#ask(() => this.#nameOf(accessToken, accountId))) !== undefined
  }

  async #nameOf(accessToken: string, accountId: string): Promise<string> {
    const about = await oidc.fetchUserInfo(this.#configuration, accessToken, accountId)
    return about.preferred_username ?? accountId
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question()
    } catch (cause) {
      if (isRefusal(cause)) return undefined
      throw new MfaError('storage-unavailable', 'The provider does not answer the account page', {
        status: 503,
        cause,
      })
    }
  }
}

/** Whether the error is a refusal that the provider has sent. */
function isRefusal(error: unknown): boolean {
  if (error instanceof oidc.AuthorizationResponseError) return true
  const refused =
    error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError
  return refused && error.status < 500
}
