import type { Configuration } from 'oidc-provider'
import type { PolicyInForce } from '../application/policy-input.ts'
import { strengthOf } from '../application/policy-person.ts'
import { MfaError } from '../domain/errors.ts'
import {
  DEFAULT_LEVELS,
  reachableLevels as levelsReachedBy,
  type Level,
  type Levels,
} from '../domain/policy/levels.ts'
import {
  parseLevels,
  parsePolicy,
  type PolicyContext,
  type PolicyFactor,
} from '../domain/policy/parse.ts'
import { NO_POLICY, type Policy } from '../domain/policy/rules.ts'
import type { AnyFactor } from '../factors/factor.ts'

/** The conditions of a rule. Each one that is given must match; a list matches if one of its entries does. */
export interface ConditionOptions {
  /** Client ids. In every list an entry that begins with `!` excludes. */
  readonly client?: string | readonly string[]
  /** Groups of the person: `groups` in the answer of `describe`. */
  readonly group?: string | readonly string[]
  /** Scopes that the request names. */
  readonly scope?: string | readonly string[]
  /** Levels that the request names, by `acr` or name. */
  readonly acr?: string | readonly string[]
  /** Networks in CIDR notation, or single addresses. */
  readonly network?: string | readonly string[]
  /** Whether the person has never completed a sign-in in this browser. */
  readonly newBrowser?: boolean
  /** Whether the app is one of the service's own: the client's metadata `first_party`. */
  readonly firstParty?: boolean
}

/** A rule of the policy. All rules that match a sign-in combine to the strictest. */
export interface RuleOptions {
  /** 1 to 100 characters, and the name of no other rule and of no built-in one. */
  readonly name: string
  /** Default: every sign-in. */
  readonly when?: ConditionOptions
  /** The level, by its name or `acr`. */
  readonly require?: string
  /** The longest time since the level was last proved, in whole seconds. */
  readonly maxAgeSeconds?: number
  /** The ids of the factors that count. Default: every factor. */
  readonly factors?: string | readonly string[]
  /**
   * When a person without a fitting factor must set one up. `until`: an ISO 8601 date-time with its time zone.
   * `graceSeconds`: counted from the moment at which the rule first meets the account. Default: `required`, at once.
   */
  readonly enrol?:
    'required' | 'optional' | { readonly until: string } | { readonly graceSeconds: number }
  /** How long a trusted browser stands in for the factor, in whole seconds of at least 1. */
  readonly trustedBrowserSeconds?: number | 'never'
  /** Whether the person needs a second authenticator, on another device. Default: false. */
  readonly redundancy?: boolean
}

export interface PolicyOptions {
  /** The rules. Their order does not matter. */
  readonly rules?: readonly RuleOptions[]
  /** Rules that decide beside the others, without effect: the audit trail says where the two differ. */
  readonly shadow?: readonly RuleOptions[]
  /** For how many seconds a person can trust a browser: 0 to 2592000 (30 days). Default: 0, which offers no trust. */
  readonly trustedBrowserSeconds?: number
}

/** The factors, levels and scopes that rules may name. */
export interface PolicySurroundings {
  readonly factors: readonly AnyFactor[]
  readonly levels?: readonly Level[]
  /** The scopes that the provider offers. Default: a rule may name any scope. */
  readonly scopes?: readonly string[]
}

/** Every fault of a policy, in words; each one of a rule has its name in quotes. Empty: the policy can be used. */
export function policyFaults(policy: unknown, surroundings: PolicySurroundings): readonly string[] {
  const levels = levelsOf(surroundings.levels)
  if ('faults' in levels) return levels.faults.map((fault) => `levels: ${fault}`)
  const { scopes } = surroundings
  const parsed = parsePolicy(policy, {
    ...contextOf(levels.levels, surroundings.factors),
    ...(scopes === undefined ? {} : { scopes }),
  })
  return 'faults' in parsed ? parsed.faults : []
}

/**
 * The levels that a first factor by password and these factors can reach, the weakest first. Throws MfaError
 * `options-invalid` for levels that cannot be used.
 */
export function reachableLevels(
  surroundings: Pick<PolicySurroundings, 'factors' | 'levels'>,
): readonly Level[] {
  const parsed = levelsOf(surroundings.levels)
  if ('faults' in parsed) throw invalid('levels', parsed.faults)
  const { factors } = contextOf(parsed.levels, surroundings.factors)
  return levelsReachedBy(
    parsed.levels,
    factors.filter(({ isEnrollable }) => isEnrollable),
  )
}

/** The policy of one `createMfa`. */
export interface HeldPolicy extends PolicyInForce {
  /** Reads other rules for the same factors, levels and scopes, without effect. */
  read(policy: unknown): ReturnType<typeof parsePolicy>
  /** Replaces the rules as a whole. Throws MfaError `options-invalid` with every fault; the rules in force then stay. */
  replace(policy: PolicyOptions): void
  /** Learns the scopes of the host. Throws MfaError `options-invalid` if a rule names another one. */
  see(configuration: Configuration): void
}

interface GivenPolicy {
  readonly levels?: unknown
  readonly policy?: unknown
  readonly factors: readonly AnyFactor[]
}

/** Reads the options `levels` and `policy` and adds their faults to `faults`. Undefined: the options are not readable. */
export function heldPolicy(options: GivenPolicy | undefined, faults: string[]): HeldPolicy {
  const { factors = [], policy = {}, levels: given } = options ?? { factors: [] }
  const levels = levelsOf(given)
  if ('faults' in levels) {
    faults.push(...levels.faults.map((fault) => `levels: ${fault}`))
    return holderOf(contextOf(DEFAULT_LEVELS, factors), {}, NO_POLICY)
  }
  const context = contextOf(levels.levels, factors)
  const parsed = parsePolicy(policy, context)
  if ('policy' in parsed) return holderOf(context, policy, parsed.policy)
  faults.push(...parsed.faults.map((fault) => `policy: ${fault}`))
  return holderOf(context, {}, NO_POLICY)
}

/** `given`: the policy as it was given, before it was read. */
function holderOf(context: PolicyContext, given: unknown, parsed: Policy): HeldPolicy {
  let known = context
  let present = { given, parsed }
  return {
    levels: levelsReachedBy(context.levels, context.factors),
    present: () => present.parsed,
    read: (policy) => parsePolicy(policy, known),
    replace(policy) {
      present = { given: policy, parsed: parsedOrThrow('setPolicy', policy, known) }
    },
    see(configuration) {
      const scopes = scopesOf(configuration)
      const next = scopes === undefined ? context : { ...context, scopes }
      parsedOrThrow('createMfa: policy', present.given, next)
      known = next
    },
  }
}

function parsedOrThrow(caller: string, policy: unknown, context: PolicyContext): Policy {
  const parsed = parsePolicy(policy, context)
  if ('faults' in parsed) throw invalid(caller, parsed.faults)
  return parsed.policy
}

function invalid(caller: string, faults: readonly string[]): MfaError {
  return new MfaError('options-invalid', `${caller}:\n- ${faults.join('\n- ')}`)
}

function levelsOf(value: unknown): ReturnType<typeof parseLevels> {
  return value === undefined ? { levels: DEFAULT_LEVELS } : parseLevels(value)
}

function contextOf(levels: Levels, factors: readonly AnyFactor[]): PolicyContext {
  return { levels, factors: factors.map(policyFactor) }
}

function policyFactor(factor: AnyFactor): PolicyFactor {
  return { id: factor.id, isEnrollable: factor.enrolment === 'confirmed', ...strengthOf(factor) }
}

/** The host's own default. */
const SCOPES = ['openid', 'offline_access']

/**
 * The scopes that the host offers: those of its configuration, and the claims that scopes stand for. Undefined: they are
 * not all known here, because resource servers have scopes of their own.
 */
function scopesOf({
  scopes = SCOPES,
  claims = {},
  features,
}: Configuration): readonly string[] | undefined {
  if (features?.resourceIndicators?.getResourceServerInfo !== undefined) return undefined
  const ofClaims = Object.entries(claims).flatMap(([name, value]) => (value === null ? [] : [name]))
  return [...new Set([...SCOPES, ...scopes, ...ofClaims])]
}
