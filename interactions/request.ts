import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { MfaError } from '../src/domain/errors.ts'
import { isCurrent, type PendingFirstFactor } from '../src/domain/first-factor.ts'
import {
  isProvedByPassword,
  parseFactorChange,
  type FactorChange,
} from '../src/domain/factor-change.ts'
import type { MfaRecord } from '../src/domain/mfa-record.ts'
import type { AcrRequest } from '../src/domain/policy/decide.ts'
import { interactionIn, type OIDC } from '../src/host/context.ts'
import { authorizationIdOf } from '../src/host/interaction.ts'
import { withPendingSubject } from '../src/host/pending-view.ts'
import type { Core, HostAccount } from './core.ts'
import { parseFirstFactor } from './seal.ts'

/** The results of the interaction that is being resumed. */
export function resultsOf(oidc: OIDC): Readonly<Record<string, unknown>> {
  return oidc.result ?? {}
}

/**
 * The pending first factor of this authorization. `present` without `pending` means that there is one which no longer
 * counts (its time is over, the epoch was raised, or it has no seal of ours), so the first factor has to be shown
 * again.
 */
export async function pendingOf(
  core: Core,
  ctx: KoaContextWithOIDC,
): Promise<{ readonly present: boolean; readonly pending?: PendingFirstFactor }> {
  const value = resultsOf(ctx.oidc).firstFactor
  if (value === undefined || value === null) return { present: false }
  const cid = authorizationIdOf(interactionIn(ctx.oidc))
  const pending = parseFirstFactor(core.deps.box, cid, value)
  if (pending === undefined) return { present: true }
  const { record } = await core.record(ctx, pending.accountId)
  return isCurrent(pending, record.epoch, core.deps.clock.now())
    ? { present: true, pending }
    : { present: true }
}

/** Tells the developer that findAccount does not know the account that the login page named. */
export function unknownAccount(): MfaError {
  return new MfaError(
    'account-unknown',
    'findAccount finds nobody by the accountId that the login page answered with: both have to use the same identifier',
    { status: 404 },
  )
}

/**
 * The account of a pending first factor. findAccount receives the context that the host would give it, with the person
 * in the session.
 */
export function pendingAccount(
  core: Core,
  ctx: KoaContextWithOIDC,
  pending: PendingFirstFactor,
): Promise<HostAccount | undefined> {
  const seenAs = withPendingSubject(ctx, pending, { now: core.deps.clock.now() })
  return core.account(ctx, pending.accountId, seenAs)
}

/**
 * The acr that the request asks for, read from the parameters as they were sent. The host overwrites an essential
 * request in its parsed claims with a voluntary one (`acr_values`, `default_acr_values`), which would let a downgraded
 * token out (R24).
 */
export function acrRequestOf({ params }: Pick<OIDC, 'params'>): AcrRequest | undefined {
  const claimed = claimsRequestOf(params?.claims)
  if (claimed?.essential) return claimed
  const values = acrValuesOf(params)
  if (values.length === 0) return claimed
  const maxAge = claimed?.maxAgeSeconds
  return { essential: false, values, ...(maxAge === undefined ? {} : { maxAgeSeconds: maxAge }) }
}

/** Every `acr` that a request names, or that is among the defaults of its client. */
export function acrsNamedBy({ params }: Pick<OIDC, 'params'>): readonly string[] {
  return [...new Set([...(claimsRequestOf(params?.claims)?.values ?? []), ...acrValuesOf(params)])]
}

/** The host writes the client's `default_acr_values` into this parameter where the request has none. */
function acrValuesOf(params: OIDC['params']): readonly string[] {
  const value = params?.acr_values
  return typeof value === 'string' ? value.split(/\s+/).filter(Boolean) : []
}

/**
 * Throws `invalid_request` for an essential request that cannot be read: if it were ignored, it would count as met
 * (R24).
 */
function claimsRequestOf(claims: unknown): AcrRequest | undefined {
  if (typeof claims !== 'string') return undefined
  // The host has parsed the parameter before, and has refused one that does not parse.
  const request = (JSON.parse(claims) as ClaimsParameter).id_token?.acr ?? {}
  const { essential, value, values = value === undefined ? undefined : [value] } = request
  const age = ageIn(request)
  // An essential request without a value accepts any acr. It still is a request: no trusted browser stands in (R14).
  if (values === undefined)
    return essential === true || age.maxAgeSeconds !== undefined ? { ...age, ...ANY } : undefined
  if (Array.isArray(values) && values.every((each): each is string => typeof each === 'string'))
    return {
      essential: essential === true,
      values: value === undefined ? values : values.filter((each) => each === value),
      ...age,
    }
  if (essential !== true) return undefined
  throw new errors.InvalidRequest('claims.id_token.acr names no acr values')
}

const ANY = { essential: false, values: [] } as const

/**
 * The age that a request allows for the proof of its level: a member of ours in the standard's request for the claim
 * `acr`. Throws `invalid_request`.
 */
function ageIn({ max_age: age }: AcrClaim): Pick<AcrRequest, 'maxAgeSeconds'> {
  if (age === undefined) return {}
  if (typeof age === 'number' && Number.isSafeInteger(age) && age >= 0)
    return { maxAgeSeconds: age }
  throw new errors.InvalidRequest(
    'claims.id_token.acr.max_age must be a whole number of seconds, 0 or more',
  )
}

interface AcrClaim {
  essential?: unknown
  value?: unknown
  values?: unknown
  max_age?: unknown
}

interface ClaimsParameter {
  id_token?: { acr?: AcrClaim | null } | null
}

/** The authorization parameter by which an app asks for a change of the person's factors. */
export const CHANGE_PARAMETER = 'mfa_action'

/**
 * The change that an authorization request asks for. When the request came in, it was checked that its client may ask.
 */
export function changeIn(
  params: Readonly<Record<string, unknown>> | undefined,
): FactorChange | undefined {
  const value = params?.[CHANGE_PARAMETER]
  return typeof value === 'string' ? parseFactorChange(value) : undefined
}

/**
 * Whether a change asks for a fresh second factor. A proof does not where the account has none: the login page has asked
 * for the password then.
 */
export function isFactorAsked(record: MfaRecord, change: FactorChange | undefined): boolean {
  return change !== undefined && !isProvedByPassword(record, change)
}
