import type { AdapterPayload, Configuration } from 'oidc-provider'
import {
  providerOf,
  publicAccountPath,
  type AccountSite,
  type ClientTerms,
  type Core,
} from '../../interactions/core.ts'
import { MfaError } from '../domain/errors.ts'
import { given } from '../host/given.ts'

/**
 * The id of the account pages as a relying party. No other client may have this id, since the account pages may change
 * people's factors.
 */
export const ACCOUNT_CLIENT_ID = 'account'

/** The host's own defaults. */
const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const
const ID_TOKEN_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA']

/** Below the path of the account pages. */
export const CALLBACK = '/callback'

/** The address to which the provider sends a browser back. It contains the path at which the provider is mounted. */
export function callbackUrl(core: Core, site: AccountSite): URL {
  return new URL(publicAccountPath(core, site) + CALLBACK, providerOf(core).issuer)
}

/** The scopes of a sign-in. */
const SCOPES = ['openid', 'profile', 'email']

/**
 * Defaults for clients that would change the answers to the account pages, and that a client cannot take back: the host
 * has no value for "none" of them.
 */
const UNFIT_DEFAULTS = [
  'id_token_encrypted_response_alg',
  'userinfo_signed_response_alg',
  'userinfo_encrypted_response_alg',
  'authorization_encrypted_response_alg',
  'request_object_encryption_alg',
  'sector_identifier_uri',
] as const

/**
 * The metadata of the client. Members that an application could set by `clientDefaults` are set here. The requests stay
 * in the process and nobody can take a token on the way, so the pages bind their tokens to no key or certificate.
 */
export function accountClient(core: Core, site: AccountSite): AdapterPayload {
  const { idTokenAlgorithm, authMethod } = given(site.terms, 'terms of the account client')
  return {
    client_id: ACCOUNT_CLIENT_ID,
    client_name: core.serviceName,
    ...(authMethod === 'none' ? {} : { client_secret: site.clientSecret }),
    token_endpoint_auth_method: authMethod,
    application_type: 'web',
    redirect_uris: [callbackUrl(core, site).href],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    response_modes: ['query'],
    dpop_bound_access_tokens: false,
    tls_client_certificate_bound_access_tokens: false,
    require_pushed_authorization_requests: false,
    require_signed_request_object: false,
    id_token_signed_response_alg: idTokenAlgorithm,
  }
}

export function clientTaken(): MfaError {
  return new MfaError(
    'configuration-not-composable',
    `A client of the application has the id "${ACCOUNT_CLIENT_ID}", which is that of the account pages: give it another, or turn the option \`account\` off`,
  )
}

/** The metadata that fits the application's configuration, or what is wrong with it. */
export function termsFor(configuration: Configuration): ClientTerms | { faults: string[] } {
  const { clientAuthMethods = AUTH_METHODS, clients = [], features } = configuration
  const { clientDefaults = {}, responseTypes } = configuration
  const methods: readonly string[] = [...clientAuthMethods]
  const authMethod = AUTH_METHODS.find((method) => methods.includes(method))
  const idTokenAlgorithm = algorithmFor(configuration)
  const scopes = scopesWithin(clientDefaults.scope)
  const faults = UNFIT_DEFAULTS.filter((name) => clientDefaults[name] !== undefined).map(
    (name) =>
      `\`clientDefaults.${name}\` must not be set for the option \`account\`: set it for single clients`,
  )
  if (!scopes.includes('openid'))
    faults.push('`clientDefaults.scope` must contain "openid" for the option `account`')
  if (responseTypes !== undefined && !responseTypes.includes('code'))
    faults.push('`responseTypes` must have "code" for the option `account`')
  if (clients.some(({ client_id: id }) => id === ACCOUNT_CLIENT_ID))
    faults.push(
      `\`clients\` has a client with the id "${ACCOUNT_CLIENT_ID}", which is that of the account pages: give it another, or turn the option \`account\` off`,
    )
  if (features?.userinfo?.enabled === false)
    faults.push('`features.userinfo` must be enabled for the option `account`')
  if (features?.pushedAuthorizationRequests?.requirePushedAuthorizationRequests === true)
    faults.push(
      '`features.pushedAuthorizationRequests.requirePushedAuthorizationRequests` must be off for the option `account`: require it of single clients by `require_pushed_authorization_requests`',
    )
  if (features?.requestObjects?.requireSignedRequestObject === true)
    faults.push(
      '`features.requestObjects.requireSignedRequestObject` must be off for the option `account`: require it of single clients by `require_signed_request_object`',
    )
  if (authMethod === undefined)
    faults.push(
      `\`clientAuthMethods\` must have one of ${AUTH_METHODS.join(', ')} for the option \`account\``,
    )
  if (idTokenAlgorithm === undefined)
    faults.push('`jwks` has no key that signs ID tokens for the option `account`')
  return authMethod === undefined || idTokenAlgorithm === undefined || faults.length > 0
    ? { faults }
    : { authMethod, idTokenAlgorithm, scope: scopes.join(' ') }
}

/** A client may ask for no scope beyond its default, where it has one. */
function scopesWithin(allowed: string | undefined): readonly string[] {
  const names = allowed?.split(' ')
  return names === undefined ? SCOPES : SCOPES.filter((scope) => names.includes(scope))
}

interface SigningKey {
  readonly kty?: string | undefined
  readonly alg?: string | undefined
  readonly use?: string | undefined
  readonly crv?: string | undefined
}

/** RS256 where a key can make it, otherwise the first algorithm of the first key that the host accepts. */
function algorithmFor({
  jwks,
  enabledJWA,
}: Configuration): ClientTerms['idTokenAlgorithm'] | undefined {
  const enabled: readonly string[] = enabledJWA?.idTokenSigningAlgValues ?? ID_TOKEN_ALGORITHMS
  // Without keys of the application's own the host makes some, an RSA key first.
  const keys: readonly SigningKey[] = jwks?.keys ?? [{ kty: 'RSA' }]
  const possible = keys.filter(({ use }) => use !== 'enc').flatMap(algorithmsOf)
  const usable = possible.filter((algorithm) => enabled.includes(algorithm))
  const chosen = usable.find((algorithm) => algorithm === 'RS256') ?? usable[0]
  return chosen as ClientTerms['idTokenAlgorithm'] | undefined
}

function algorithmsOf({ kty, alg, crv }: SigningKey): readonly string[] {
  if (alg !== undefined) return [alg]
  switch (kty) {
    case 'RSA':
      return ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512']
    case 'EC':
      return [{ 'P-384': 'ES384', 'P-521': 'ES512' }[crv ?? ''] ?? 'ES256']
    case 'OKP':
      return ['Ed25519', 'EdDSA']
    default:
      return []
  }
}
