import * as oidc from 'openid-client'
import { pathOfRoute } from '../host/provider.ts'
import { ownerOfToken } from '../host/token.ts'
import { mountPath, providerOf, type AccountSite, type Core } from '../../interactions/core.ts'
import { CHANGE_PARAMETER } from '../../interactions/request.ts'
import { MfaError } from '../domain/errors.ts'
import { given } from '../host/given.ts'
import { ACCOUNT_CLIENT_ID, callbackUrl } from './client.ts'
import { inProcess } from './in-process.ts'

/** The data that the browser keeps of a sign-in that it has begun. */
export interface BegunSignIn {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

export interface SignedIn {
  /** The provider binds it to the session and the grant, and so to their epoch. */
  readonly accessToken: string
  /** `sub` of the ID token. It differs from the account's id where the application has pairwise subjects. */
  readonly subject: string
  readonly accountId: string
  /** The uid of the host's session. */
  readonly sessionUid: string
  readonly name: string
}

/** The answer of the provider about the person at this moment. */
export interface AboutPerson {
  /** The language that the person has chosen (BCP 47). */
  readonly language?: string
}

/** The requirements on the sign-in, beyond those of every sign-in. */
export interface Asked {
  /** The change of factors that the provider's pages are to make on the way. */
  readonly change?: string
  /** A fresh second factor, or a fresh first factor where the account has no other. */
  readonly prompt?: 'mfa' | 'login'
}

/**
 * The provider as any relying party sees it: an authorization request with PKCE, the token endpoint, userinfo. The
 * pages learn of a session only from these responses, so everything that ends the provider's session ends theirs too.
 */
export class AccountSignIn {
  readonly #core: Core
  readonly #site: AccountSite
  #fetch: oidc.CustomFetch | undefined

  constructor(core: Core, site: AccountSite) {
    this.#core = core
    this.#site = site
  }

  /** Answers the address to which the browser goes, and the data that it has to keep. */
  async begin({ change, prompt }: Asked = {}): Promise<{
    readonly url: URL
    readonly begun: BegunSignIn
  }> {
    const begun = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
    }
    const url = oidc.buildAuthorizationUrl(this.#configuration(), {
      redirect_uri: callbackUrl(this.#core, this.#site).href,
      scope: given(this.#site.terms, 'terms of the account client').scope,
      state: begun.state,
      nonce: begun.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(begun.codeVerifier),
      code_challenge_method: 'S256',
      ...(change === undefined ? {} : { [CHANGE_PARAMETER]: change }),
      ...(prompt === undefined ? {} : { prompt }),
    })
    return { url, begun }
  }

  /**
   * The person who came back. Undefined: the provider refused (the person cancelled, or the code was used or has
   * expired). Throws MfaError `storage-unavailable` while the provider does not answer.
   */
  async complete(callback: URL, begun: BegunSignIn): Promise<SignedIn | undefined> {
    return this.#ask(async () => {
      const tokens = await oidc.authorizationCodeGrant(this.#configuration(), callback, {
        pkceCodeVerifier: begun.codeVerifier,
        expectedState: begun.state,
        expectedNonce: begun.nonce,
        idTokenExpected: true,
      })
      const accessToken = tokens.access_token
      const subject = given(tokens.claims()?.sub, 'sub')
      const owner = await ownerOfToken(providerOf(this.#core), accessToken)
      const about = await oidc.fetchUserInfo(this.#configuration(), accessToken, subject)
      if (owner === undefined) return undefined
      return { ...owner, accessToken, subject, name: nameIn(about) ?? owner.accountId }
    })
  }

  /** The person of a sign-in. Undefined: the sign-in is no longer valid. Throws as `complete` does. */
  async about({ accessToken, subject }: SignedIn): Promise<AboutPerson | undefined> {
    return this.#ask(async () => {
      const about = await oidc.fetchUserInfo(this.#configuration(), accessToken, subject)
      return about.locale === undefined ? {} : { language: about.locale }
    })
  }

  /** The address of the authorization endpoint contains the path at which this request found the provider. */
  #configuration(): oidc.Configuration {
    const provider = providerOf(this.#core)
    const { issuer } = provider
    const { clientSecret, terms } = this.#site
    const { authMethod, idTokenAlgorithm } = given(terms, 'terms of the account client')
    const within = (name: string): string => new URL(pathOfRoute(provider, name, ''), issuer).href
    const configuration = new oidc.Configuration(
      {
        issuer,
        authorization_endpoint: new URL(
          pathOfRoute(provider, 'authorization', mountPath(this.#core)),
          issuer,
        ).href,
        token_endpoint: within('token'),
        userinfo_endpoint: within('userinfo'),
      },
      ACCOUNT_CLIENT_ID,
      { id_token_signed_response_alg: idTokenAlgorithm },
      authenticationBy(authMethod, clientSecret),
    )
    this.#fetch ??= inProcess(provider)
    configuration[oidc.customFetch] = this.#fetch
    // The requests stay in this process.
    oidc.allowInsecureRequests(configuration)
    return configuration
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    try {
      return await question()
    } catch (cause) {
      if (isRefusal(cause)) return undefined
      throw new MfaError('storage-unavailable', 'The provider does not answer the account pages', {
        status: 503,
        cause,
      })
    }
  }
}

function authenticationBy(method: string, secret: string): oidc.ClientAuth {
  if (method === 'none') return oidc.None()
  return method === 'client_secret_post'
    ? oidc.ClientSecretPost(secret)
    : oidc.ClientSecretBasic(secret)
}

/** The name by which people know the account, in the order in which the pages of a sign-in look for it. */
function nameIn({
  preferred_username: username,
  email,
  name,
}: oidc.UserInfoResponse): string | undefined {
  return [username, email, name].find((each) => typeof each === 'string' && each !== '')
}

/** Whether the error is a refusal that the provider has sent. */
function isRefusal(error: unknown): boolean {
  if (error instanceof oidc.AuthorizationResponseError) return true
  const refused =
    error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError
  return refused && error.status < 500
}
