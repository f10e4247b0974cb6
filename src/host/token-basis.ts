import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { TokenBasis } from '../domain/policy/token-basis.ts'
import { oidcIn, routeOf } from './context.ts'

/** The member of a code or token that holds what it rests on. */
const BASIS = 'mfaBasis'

/** The claims of a token about its authentication. */
export interface AuthenticationClaims {
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly auth_time?: number
}

/**
 * Lets the codes and tokens of a provider carry their basis. The host stores the members that the `IN_PAYLOAD` of a
 * model names, and remembers them at the first use of the model: call this function before.
 */
export function carryBasis(provider: Provider): void {
  const { AuthorizationCode, DeviceCode, RefreshToken, AccessToken } = provider
  for (const model of [AuthorizationCode, DeviceCode, RefreshToken, AccessToken]) {
    const { IN_PAYLOAD } = model as unknown as { IN_PAYLOAD?: Iterable<string> }
    Object.defineProperty(model, 'IN_PAYLOAD', { value: [...(IN_PAYLOAD ?? []), BASIS] })
  }
}

/** The basis of a code or token, stored or loaded. Undefined: no authorization of this release has issued it. */
export function basisIn(token: object | undefined): TokenBasis | undefined {
  return (token as { [BASIS]?: TokenBasis } | undefined)?.[BASIS]
}

/** A code or token as it is stored, with its basis. */
export function withBasis<T extends object>(payload: T, basis: TokenBasis | undefined): T {
  return basis === undefined ? payload : { ...payload, [BASIS]: basis }
}

interface Accepted {
  readonly basis: TokenBasis
  readonly claims: AuthenticationClaims
}

/** The authorizations that the host is answering. */
const accepted = new WeakMap<object, Accepted>()

/** Remembers the basis of the codes and tokens of an authorization that the host has just accepted. */
export function keepBasis(ctx: object, about: Accepted): void {
  accepted.set(ctx, about)
}

/** The codes and tokens of a request from which others can be issued, in the order in which they tell their origin. */
const SOURCES = [
  'RotatedRefreshToken',
  'AuthorizationCode',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
  'RefreshToken',
]

interface Source {
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly authTime?: number
}

/** The basis of a token of the present request: that of the accepted authorization, or of the presented code or token. */
export function basisFor(ctx: KoaContextWithOIDC | undefined): TokenBasis | undefined {
  if (ctx === undefined) return undefined
  return accepted.get(ctx)?.basis ?? basisIn(sourceOf(ctx))
}

/** The authentication that a token of the present request asserts. Empty: it goes back to no sign-in. */
export function authenticationFor(ctx: KoaContextWithOIDC | undefined): AuthenticationClaims {
  if (ctx === undefined) return {}
  const present = accepted.get(ctx)
  if (present !== undefined) return present.claims
  const source = sourceOf(ctx)
  return source === undefined ? {} : authenticationOf(source)
}

/** The authentication that a stored code or refresh token asserts. */
export function authenticationOf(token: object): AuthenticationClaims {
  const { acr, amr, authTime } = token as Source
  return {
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
    ...(authTime === undefined ? {} : { auth_time: authTime }),
  }
}

/**
 * Lets a loaded code or token, and every token that this request issues from it, say this level and no methods in place of
 * those that are stored with it, and none of these further claims. The time of the sign-in stays.
 */
export function tellOnly(token: object, acr: string, without: readonly string[]): void {
  const { extra } = token as { readonly extra?: object }
  const said = { acr, amr: undefined }
  const none = Object.fromEntries(without.map((claim) => [claim, undefined]))
  Object.assign(token, said, { extra: { ...extra, ...said, ...none } })
}

function sourceOf(ctx: KoaContextWithOIDC): object | undefined {
  const oidc = oidcIn(ctx)
  if (oidc === undefined) return undefined
  const entities = oidc.entities as unknown as Readonly<Record<string, object | undefined>>
  if (routeOf(oidc) === 'userinfo') return entities.AccessToken
  return SOURCES.map((name) => entities[name]).find((entity) => entity !== undefined)
}
