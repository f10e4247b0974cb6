import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { providerOf, type Core, type HostAccount } from '../../interactions/core.ts'
import { decideToken } from '../../interactions/decide-token.ts'
import { tellDecision } from '../../interactions/tell-decision.ts'
import { AUTHN_FACTORS, authnFactors } from '../domain/policy/authn-factors.ts'
import { UNKNOWN_BASIS, type TokenBasis } from '../domain/policy/token-basis.ts'
import { withClaims } from '../host/account.ts'
import { grantTypesOf, presentContext } from '../host/context.ts'
import { findClient, type HostClient } from '../host/provider.ts'
import {
  authenticationFor,
  authenticationOf,
  basisFor,
  basisIn,
  tellOnly,
} from '../host/token-basis.ts'

type Claims = Readonly<Record<string, unknown>>

/** A code or token, as far as the policy reads it. */
interface Token {
  readonly kind?: string
  readonly accountId?: string | undefined
  readonly clientId?: string | undefined
  readonly scope?: string | undefined
}

/**
 * Gives the application's accounts the claim `authn_factors`, where the app has asked for it, and refuses the account for
 * a code or token that rests on less than the policy asks for now. The host answers `invalid_grant` then, before it
 * consumes a refresh token, and 401 at userinfo. It calls the function with a token in each of these requests, and the
 * account's record is read in them anyway.
 */
export function judgingAccounts(
  core: Core,
  own: NonNullable<Configuration['findAccount']>,
): NonNullable<Configuration['findAccount']> {
  return async (ctx, sub, token) => {
    if (token !== undefined) tellJudged(core, token)
    const account = await own(ctx, sub, token)
    if (typeof account?.claims !== 'function') return account
    if (token !== undefined && (await isBelow(core, ctx, token, account))) return undefined
    return withClaims(account, tellFactors)
  }
}

type ExtraTokenClaims = NonNullable<Configuration['extraTokenClaims']>

/**
 * Adds `acr`, `amr` and `auth_time` to every access token that goes back to a sign-in (RFC 9068 2.2.1), and
 * `authn_factors` to those of an app that has asked for it. The host shows them in JWT access tokens and in introspection.
 */
export function telling(own: ExtraTokenClaims): ExtraTokenClaims {
  return async (ctx, token) => {
    const extra = await own(ctx, token)
    if (token.kind !== 'AccessToken') return extra
    return { ...tellFactors({ ...extra }), ...authenticationFor(ctx) }
  }
}

type Features = NonNullable<Configuration['features']>

/** The host's feature. Its types make of it a union that depends on other features. */
interface Introspection {
  readonly enabled?: boolean
  readonly allowedPolicy?: (
    ctx: KoaContextWithOIDC,
    client: Client,
    token: Token,
  ) => boolean | Promise<boolean>
}

/**
 * Answers that a token is not active which rests on less than the policy asks for now, and one whose account is gone:
 * the host itself does not look at the account here. A refresh token says its level as an access token does.
 */
export function judgingIntrospection(core: Core, features: Features = {}): Features {
  const introspection = features.introspection as Introspection | undefined
  if (introspection?.enabled !== true) return features
  const { allowedPolicy: own = tellsOwnTokens } = introspection
  const judging: Introspection = {
    ...introspection,
    async allowedPolicy(ctx, client, token) {
      const answer = await own(ctx, client, token)
      if (!answer || (await isEnded(core, ctx, token))) return false
      tellJudged(core, token)
      if (token.kind === 'RefreshToken')
        Object.assign(token, { extra: { ...authenticationOf(token), ...factorsIn(token) } })
      return answer
    },
  }
  return { ...features, introspection: judging } as Features
}

/** The host's own rule: a client without a secret learns of its own tokens only. */
function tellsOwnTokens(_ctx: KoaContextWithOIDC, client: Client, token: Token): boolean {
  return client.clientAuthMethod !== 'none' || token.clientId === client.clientId
}

async function isEnded(core: Core, ctx: KoaContextWithOIDC, token: Token): Promise<boolean> {
  const { accountId } = token
  if (accountId === undefined || judgedBasisOf(token) === undefined) return false
  const account = await core.account(ctx, accountId)
  return account === undefined || (await isBelow(core, ctx, token, account))
}

/** Codes of the host that an authorization has issued. */
const CODES = ['AuthorizationCode', 'DeviceCode']
/** The grant types of tokens that go back to an authorization. */
const SIGN_INS = ['authorization_code', 'implicit', 'device_code']

/**
 * The basis on which the policy judges a code or token. Undefined: it goes back to no sign-in, and the application vouches
 * for it (`trustedGrantTypes`, `acknowledge`, or a token that its own code has made).
 */
function judgedBasisOf(token: Token): TokenBasis | undefined {
  const basis = basisIn(token)
  if (basis !== undefined) return basis
  const [grantType = ''] = grantTypesOf(undefined, token)
  const isOfSignIn = CODES.includes(token.kind ?? '') || SIGN_INS.includes(grantType)
  return isOfSignIn ? UNKNOWN_BASIS : undefined
}

/** A code or token that keeps no basis says no more than it is judged by: the first level, and no factor. */
function tellJudged(core: Core, token: Token): void {
  if (judgedBasisOf(token) !== UNKNOWN_BASIS) return
  tellOnly(token, core.policy.levels[0].acr, [AUTHN_FACTORS])
}

/** Whether a token rests on less than the policy asks for. The audit trail is told of it. */
async function isBelow(
  core: Core,
  ctx: KoaContextWithOIDC,
  token: Token,
  account: HostAccount,
): Promise<boolean> {
  const basis = judgedBasisOf(token)
  const client = basis && (await clientOf(core, ctx, token))
  if (basis === undefined || client === undefined) return false
  const { record } = await core.record(ctx, account.accountId)
  const scopes = (token.scope ?? '').split(' ').filter(Boolean)
  const decision = await decideToken(core, { record, basis, scopes }, { account, client })
  if (decision.step === 'none') return false
  tellDecision(core, ctx, { accountId: account.accountId, decision, isRefused: true })
  return true
}

async function clientOf(
  core: Core,
  { oidc }: KoaContextWithOIDC,
  { clientId = '' }: Token,
): Promise<HostClient | undefined> {
  const { client } = oidc
  return client?.clientId === clientId ? client : findClient(providerOf(core), clientId)
}

/** Only the plugin gives the claim: a value of the application's own would prove nothing. */
function tellFactors({ [AUTHN_FACTORS]: _, ...claims }: Claims): Claims {
  return { ...claims, ...factorsOf(basisFor(presentContext())) }
}

function factorsIn(token: Token): object {
  return factorsOf(basisIn(token))
}

function factorsOf(basis: TokenBasis | undefined): object {
  if (basis?.tellsFactors !== true) return {}
  return { [AUTHN_FACTORS]: authnFactors(basis.proofs, basis.trustedSince) }
}
