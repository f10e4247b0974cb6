import { errors } from 'oidc-provider'
import type {
  Adapter,
  Client,
  Configuration,
  KoaContextWithOIDC,
  ResourceServer,
} from 'oidc-provider'
import type { Resource } from '../../../config/resources.ts'
import type { FileValues } from '../../../config/schema.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { Counters } from '../../ports/counters.ts'
import type { Instant } from '../../domain/time.ts'
import type { Clock, SecretBox } from '../../ports/services.ts'
import type { AccountRecords, HostAdapter, HostRecords } from '../../ports/host-records.ts'
import { routeOf } from '../../host/context.ts'
import { FORMER_SECRET } from '../../host/former-secret.ts'
import { overlay } from '../../host/overlay.ts'
import { signInTimeOf } from '../../host/session.ts'
import { CLAIMS_OF_SCOPE } from '../accounts/claims.ts'
import { extraClientMetadata, OWN_METADATA } from '../clients/metadata.ts'
import { mayIntrospect, mayRevoke } from './about-tokens.ts'
import { existingGrant } from '../clients/grants.ts'
import type { HostPages } from '../pages/host-pages.ts'
import type { SigningKeys } from '../keys/jwks.ts'
import type { Refusals } from '../observe/audit.ts'
import { seenSessions } from '../accounts/seen-sessions.ts'
import { subjectFinder } from '../accounts/subject.ts'
import { serverLevels } from './factors.ts'
import { serverScopes } from './policy.ts'
import { limitUserCodes, SECONDS_OF_DEVICE_CODE } from '../pages/user-codes.ts'

export interface HostDependencies {
  readonly issuer: string
  readonly settings: FileValues
  /** The keys that sign cookies, the newest first. */
  readonly cookieKeys: readonly Uint8Array[]
  readonly signingKeys: SigningKeys
  readonly accounts: Accounts
  readonly counters: Counters
  readonly clock: Clock
  readonly box: SecretBox
  readonly refusals: Pick<Refusals, 'record'>
  readonly hostRecords: HostRecords
  readonly accountRecords: AccountRecords
  readonly findClient: (clientId: string) => Promise<JsonObject | undefined>
  readonly pages: HostPages
  /** The languages of the pages (BCP 47). */
  readonly locales: readonly string[]
}

type Features = NonNullable<Configuration['features']>

const SECONDS_OF_CODE = 60

/**
 * The part of the configuration that decides which clients are valid. The check of clients needs no more, so it runs
 * without a storage or a page.
 */
export function clientRules(
  settings: FileValues,
  issuer: string,
  signingKeys: SigningKeys,
): Configuration {
  const levels = serverLevels(settings, issuer)
  return {
    jwks: { keys: [...signingKeys.keys] },
    extraClientMetadata: extraClientMetadata(levels),
    // A client may name these as its `default_acr_values`.
    acrValues: levels.map(({ acr }) => acr),
    // No response type puts a token into the address bar (RFC 9700 2.1.2).
    responseTypes: ['code'],
    // Without those of the APIs: the host would grant them at user info too, and for an API that has no such scope.
    scopes: [...serverScopes()],
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'none',
    ],
    features: features(settings),
  }
}

/** The whole configuration of the host, for `mfa.configure`. Discovery contains standard members only. */
export function hostConfiguration(deps: HostDependencies): Configuration {
  const { settings, pages } = deps
  const rules = clientRules(settings, deps.issuer, deps.signingKeys)
  return {
    ...rules,
    extraClientMetadata: {
      ...rules.extraClientMetadata,
      // Not one of the rules: no operator gives an app a second secret.
      properties: [...OWN_METADATA, FORMER_SECRET],
    },
    adapter: hostAdapter(deps),
    findAccount: subjectFinder(deps.accounts),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], ...CLAIMS_OF_SCOPE },
    discovery: {
      ui_locales_supported: [...deps.locales],
      op_policy_uri: settings.service.privacy,
      op_tos_uri: settings.service.terms,
    },
    cookies: cookiesOf(deps),
    enableHttpPostMethods: settings.features.postAuthorization,
    // OpenID Connect Core 3.1.2.1 requires a redirect URI in each authentication request.
    allowOmittingSingleRegisteredRedirectUri: false,
    clientBasedCORS: mayReadFromBrowser,
    fetch: fetchRegistered,
    pkce: { required: (_ctx, client) => requiresPkce(client) },
    ...rotationOf(settings),
    loadExistingGrant: (ctx) => existingGrant(ctx, deps.box),
    ttl: lifetimesOf(deps),
    renderError: pages.error,
    features: {
      ...features(settings),
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: pages.logout,
        postLogoutSuccessSource: pages.signedOut,
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => mayIntrospect(deps, client, token),
      },
      revocation: { enabled: true, allowedPolicy: mayRevoke },
      deviceFlow: {
        enabled: settings.features.deviceFlow,
        userCodeInputSource: pages.deviceInput,
        userCodeConfirmSource: pages.deviceConfirm,
        successSource: pages.deviceDone,
      },
    },
  }
}

/**
 * The host's own rule rotates the refresh tokens of public clients at each use (R21). It replaces those of confidential
 * clients and those that are bound to a key or certificate after 70 percent of their lives: nobody else can use them.
 */
function rotationOf({ tokens }: FileValues): Pick<Configuration, 'rotateRefreshToken'> {
  return tokens.rotateRefreshTokens === 'always' ? { rotateRefreshToken: true } : {}
}

function cookiesOf({ settings, issuer, cookieKeys }: HostDependencies): Configuration['cookies'] {
  const secure = issuer.startsWith('https:')
  return {
    keys: cookieKeys.map((key) => Buffer.from(key).toString('base64url')),
    // The prefixes make a browser refuse the same name from a sibling domain or over plain http (R30).
    names: secure
      ? {
          session: '__Host-session',
          interaction: '__Secure-interaction',
          resume: '__Secure-resume',
        }
      : { session: 'session', interaction: 'interaction', resume: 'resume' },
    long: {
      httpOnly: true,
      secure,
      sameSite: settings.features.postAuthorization ? 'none' : 'lax',
    },
    short: { httpOnly: true, secure, sameSite: 'lax' },
  }
}

/** How long each of the host's records lives, in seconds. */
function lifetimesOf({ settings, clock }: HostDependencies): NonNullable<Configuration['ttl']> {
  const { sessions, tokens } = settings
  return {
    Session: (_ctx, session) => sessionSeconds(settings, signInTimeOf(session), clock.now()),
    Interaction: sessions.interactionSeconds,
    Grant: tokens.refreshTokenSeconds,
    RefreshToken: tokens.refreshTokenSeconds,
    AccessToken: tokens.accessTokenSeconds,
    IdToken: tokens.idTokenSeconds,
    ClientCredentials: tokens.accessTokenSeconds,
    AuthorizationCode: SECONDS_OF_CODE,
    DeviceCode: SECONDS_OF_DEVICE_CODE,
  }
}

/** The features of the host. A feature that is not named here keeps the host's default. */
function features(settings: FileValues) {
  return {
    // The host enables these by default, and they would answer in place of our own pages.
    devInteractions: { enabled: false },
    claimsParameter: { enabled: true },
    userinfo: { enabled: true },
    jwtUserinfo: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    // Enabled, so that the host refuses a request object in the response mode that the client asked for.
    requestObjects: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    deviceFlow: { enabled: settings.features.deviceFlow },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, indicator) => resourceOf(settings, indicator),
      // An app that has named an API at the authorization gets a token for it, also if it does not name it again.
      useGrantedResource: () => true,
    },
  } satisfies Features
}

/** The API with this resource indicator (RFC 8707). Throws `invalid_target` for an unknown one. */
function resourceOf({ resources }: FileValues, indicator: string): ResourceServer {
  if (!Object.hasOwn(resources, indicator)) throw new errors.InvalidTarget()
  const { scopes, format } = resources[indicator] as Resource
  return { scope: scopes.join(' '), accessTokenFormat: format }
}

/**
 * Fetches the keys of a relying party and calls its back channel. The host's default refuses addresses of private
 * networks and of this machine, which is right where strangers register clients. Here an administrator registers
 * them, and most apps of a company have such addresses. Redirects are not followed: they would lead to addresses that
 * nobody registered.
 */
function fetchRegistered(url: string | URL | Request, options?: RequestInit): Promise<Response> {
  const { dispatcher: _, ...rest } = { ...options } as RequestInit & { dispatcher?: unknown }
  return globalThis.fetch(url, { ...rest, redirect: 'manual' })
}

/** Single-page apps call from the origins that they return to; apps with a secret do not call from a browser. */
function mayReadFromBrowser(ctx: KoaContextWithOIDC, origin: string, client: Client): boolean {
  const isOpen = routeOf(ctx.oidc) === 'userinfo' || client.clientAuthMethod === 'none'
  return isOpen && (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin)
}

function requiresPkce(client: Client): boolean {
  return client['require_pkce'] !== false || client.clientAuthMethod === 'none'
}

/** The lifetime of a session: the idle time, but never beyond the longest time since the sign-in (R15). */
function sessionSeconds(settings: FileValues, loginTs: number | undefined, now: Instant): number {
  const { idleSeconds, longestSeconds } = settings.sessions
  if (loginTs === undefined) return idleSeconds
  const left = loginTs + longestSeconds - now
  return Math.max(1, Math.min(idleSeconds, left))
}

/** The host's records. Clients come from the storage and from CLIENTS_FILE. */
function hostAdapter(deps: HostDependencies): (model: string) => Adapter {
  const { hostRecords, findClient, clock } = deps
  return (model) => {
    if (model === 'DeviceCode')
      return limitUserCodes(codesOfLiveSessions(hostRecords(model), deps), deps)
    if (model === 'Session') return seenSessions(hostRecords(model), () => clock.now())
    if (model === 'AuthorizationCode') return codesOfLiveSessions(hostRecords(model), deps)
    if (model !== 'Client') return hostRecords(model)
    const refuse = (): never => {
      throw new Error('clients are changed by the command line, never by the host')
    }
    return {
      find: async (id) => await findClient(id),
      upsert: refuse,
      destroy: refuse,
      consume: refuse,
      findByUid: refuse,
      findByUserCode: refuse,
      revokeByGrantId: refuse,
    }
  }
}

/**
 * Refuses the code of a session that has ended, and that of a device which was connected in it. The host does so unless the app has asked for `offline_access`; but then
 * a request that was in flight at the end would still get the app a refresh token.
 */
function codesOfLiveSessions(
  codes: HostAdapter,
  { accountRecords }: Pick<HostDependencies, 'accountRecords'>,
): HostAdapter {
  return overlay(codes, {
    async find(id: string) {
      const code = await codes.find(id)
      const { sessionUid, expiresWithSession } = code ?? {}
      if (sessionUid === undefined || expiresWithSession === true) return code
      return (await accountRecords.isEnded(sessionUid)) ? undefined : code
    },
  })
}
