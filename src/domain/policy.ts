/** Authentication context class references in the order of their strength; both are in discovery. */
export const PASSWORD_ACR = 'urn:oidc-provider-mfa:password'
export const MULTI_FACTOR_ACR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
export const ACR_VALUES = [PASSWORD_ACR, MULTI_FACTOR_ACR] as const
export type Acr = (typeof ACR_VALUES)[number]

export function isAcr(value: unknown): value is Acr {
  return value === PASSWORD_ACR || value === MULTI_FACTOR_ACR
}

/**
 * The `acr` that a relying party requested. An `essential` one must be reached, or the authentication fails (OIDC Core
 * 5.5.1.1, R24).
 */
export interface AcrRequest {
  readonly essential: boolean
  readonly values: readonly string[]
}

export interface PolicyInput {
  /** The level reached so far: by the pending first factor (password), or by the session. */
  readonly reached: Acr
  /** The application's `require` for this account, client and request. */
  readonly required: boolean
  /** The account has a confirmed second factor. */
  readonly enrolled: boolean
  readonly requested?: AcrRequest
  /** A fresh second factor is asked for whatever the session has: prompt=mfa, a change of factors. */
  readonly fresh: boolean
}

export type Decision =
  | { readonly step: 'none' }
  | { readonly step: 'verify' | 'enrol'; readonly reason: Reason }
  /** No way of signing in reaches an `acr` that was requested as essential. */
  | { readonly step: 'unmet' }

export type Reason = 'policy' | 'step-up' | 'chosen'

/**
 * The step that is still needed before the request is answered. The target is the lowest level that satisfies the
 * application's policy, the person's own choice (a person who has enrolled is asked), and the relying party. A level
 * once reached is never lowered to fit a request.
 */
export function decide(input: PolicyInput): Decision {
  const floor: Acr =
    input.required || input.enrolled || input.fresh || input.reached === MULTI_FACTOR_ACR
      ? MULTI_FACTOR_ACR
      : PASSWORD_ACR
  const target = aim(floor, input)
  if (target === undefined) return { step: 'unmet' }
  if (target === PASSWORD_ACR) return { step: 'none' }
  if (input.reached === MULTI_FACTOR_ACR && !input.fresh) return { step: 'none' }
  return { step: input.enrolled ? 'verify' : 'enrol', reason: reasonFor(input) }
}

/** Whether an essential request names anything this provider can ever reach: asked before the password is. */
export function isMeetable(requested: AcrRequest | undefined): boolean {
  return !requested?.essential || requested.values.some(isAcr)
}

function aim(floor: Acr, { requested, enrolled }: PolicyInput): Acr | undefined {
  if (requested === undefined) return floor
  const reachable = floor === PASSWORD_ACR ? ACR_VALUES : ([MULTI_FACTOR_ACR] as const)
  const fitting = reachable.find((acr) => requested.values.includes(acr))
  if (fitting !== undefined && (requested.essential || enrolled)) return fitting
  // A voluntary `acr` is granted where it requires no enrolment, and never makes the request fail (OIDC Core 3.1.2.1).
  return requested.essential ? undefined : floor
}

function reasonFor({ required, enrolled, fresh }: PolicyInput): Reason {
  if (fresh) return 'step-up'
  if (required) return 'policy'
  return enrolled ? 'chosen' : 'step-up'
}
