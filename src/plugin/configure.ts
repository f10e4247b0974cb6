import { types } from 'node:util'
import { errors, interactionPolicy, type Configuration } from 'oidc-provider'
import { publicPath, type Core } from '../../interactions/core.ts'
import { loginPrompt, seePendingSubject } from '../../interactions/login/prompt.ts'
import { MFA_PROMPT, mfaPrompt } from '../../interactions/mfa/prompt.ts'
import { termsFor } from '../account/client.ts'
import { withAccountPages } from '../account/configuration.ts'
import { MfaError } from '../domain/errors.ts'
import { PENDING_SECONDS } from '../domain/first-factor.ts'
import { AUTHN_FACTORS, AUTHN_SCOPE } from '../domain/policy/authn-factors.ts'
import { HOUR_SECONDS } from '../domain/time.ts'
import { checkingClaims } from './claims-parameter.ts'
import { takesOurName, withChangeParameter } from './change-parameter.ts'
import { grantTypesOf } from '../host/context.ts'
import { given } from '../host/given.ts'
import { refuseForeignKeys } from './cookie-keys.ts'
import { guardAdapter } from './guards.ts'
import { rotationOf } from './second-use.ts'
import { judgingAccounts, judgingIntrospection, telling } from './token-claims.ts'

/**
 * Ways to a token that never meet the interaction policy. An application that uses them declares that it asserts the
 * policy itself.
 */
export type Acknowledged = 'ciba' | 'pre-authorized-codes'

export interface ConfigureOptions {
  readonly acknowledge: readonly Acknowledged[]
  /** Grant types of the application's own that assert the policy themselves (R17). */
  readonly trustedGrantTypes: readonly string[]
}

/**
 * Grant types whose tokens go back to an authorization that met the policy, or to no person at all. The list has the
 * names that requests use, and those that the host gives to tokens.
 */
const COVERED_GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  'implicit',
  'client_credentials',
  'device_code',
  'urn:ietf:params:oauth:grant-type:device_code',
]

const ACKNOWLEDGED_GRANT_TYPES: Readonly<Record<Acknowledged, readonly string[]>> = {
  ciba: ['ciba', 'urn:openid:params:grant-type:ciba'],
  'pre-authorized-codes': [
    'pre_authorized_code',
    'urn:ietf:params:oauth:grant-type:pre-authorized_code',
  ],
}

/**
 * The host's configuration with the second factor in it. The given configuration stays as it was. It has to be wrapped
 * before `new Provider`, which clones it: a prompt added later has no effect.
 *
 * Throws MfaError `configuration-not-composable` that names everything that cannot be wrapped.
 */
export function configure(
  core: Core,
  configuration: Configuration,
  options: ConfigureOptions,
): Configuration {
  const policy = configuration.interactions?.policy ?? interactionPolicy.base()
  const terms = core.accountSite === undefined ? undefined : termsFor(configuration)
  const faults = [
    ...faultsOf(configuration, policy, options),
    ...(terms !== undefined && 'faults' in terms ? terms.faults : []),
  ]
  if (faults.length > 0)
    throw new MfaError(
      'configuration-not-composable',
      `This configuration cannot take a second factor:\n- ${faults.join('\n- ')}`,
    )
  core.taken.configured = true
  core.sessionCookie = configuration.cookies?.long
  core.interactionUrl = configuration.interactions?.url
  if (core.accountSite !== undefined && terms !== undefined && !('faults' in terms))
    core.accountSite.terms = terms
  const features = checkingClaims(judgingIntrospection(core, configuration.features))
  return {
    ...configuration,
    adapter: guardAdapter(core, given(configuration.adapter, 'adapter')),
    acrValues: [
      ...new Set([...(configuration.acrValues ?? []), ...core.policy.levels.map(({ acr }) => acr)]),
    ],
    claims: withAuthenticationClaims(configuration.claims),
    interactions: {
      ...configuration.interactions,
      policy: withMfa(core, policy),
      url: withMfaPage(core, configuration),
    },
    ...withSetUpTime(core, configuration.ttl),
    extraParams: withChangeParameter(core, configuration.extraParams),
    findAccount: judgingAccounts(core, given(configuration.findAccount, 'findAccount')),
    features,
    extraTokenClaims: telling(refusingUncovered(configuration.extraTokenClaims, options)),
    ...rotationOf(configuration),
    ...(core.accountSite === undefined ? {} : withAccountPages({ ...configuration, features })),
  }
}

type Policy = readonly InstanceType<typeof interactionPolicy.Prompt>[]

function faultsOf(
  configuration: Configuration,
  policy: Policy,
  { acknowledge }: ConfigureOptions,
): string[] {
  const features = (configuration.features ?? {}) as Record<
    string,
    { enabled?: boolean } | undefined
  >
  const names = [...policy].map(({ name }) => name)
  const { adapter, findAccount, acrValues = [] } = configuration
  const faults: string[] = []
  if (adapter === undefined)
    faults.push('`adapter` is missing: the built-in one is for development and cannot be guarded')
  else if (typeof adapter !== 'function' || types.isAsyncFunction(adapter))
    faults.push('`adapter` must be a class, or a function that answers an adapter at once')
  if (findAccount === undefined) faults.push('`findAccount` is missing')
  else if (typeof findAccount !== 'function') faults.push('`findAccount` must be a function')
  if (!Array.isArray(acrValues) && !(acrValues instanceof Set))
    faults.push('`acrValues` must be an array or a Set')
  if (features.devInteractions?.enabled !== false)
    faults.push(
      '`features.devInteractions.enabled` must be false: it replaces `interactions.url` and signs anyone in',
    )
  if (!names.includes('login'))
    faults.push('`interactions.policy` has no prompt named "login", after which to ask')
  if (names.includes(MFA_PROMPT))
    faults.push(
      `\`interactions.policy\` has a prompt named "${MFA_PROMPT}" already: a configuration is given to \`configure\` once`,
    )
  if (takesOurName(configuration.extraParams))
    faults.push('`extraParams` has a parameter named "mfa_action" already')
  if (features.ciba?.enabled === true && !acknowledge.includes('ciba'))
    faults.push(
      '`features.ciba` never meets the interaction policy: assert it in your own flow and give createMfa `acknowledge: ["ciba"]`',
    )
  if (features.openid4vci?.enabled === true && !acknowledge.includes('pre-authorized-codes'))
    faults.push(
      '`features.openid4vci` issues on pre-authorized codes without the interaction policy: assert it and give createMfa `acknowledge: ["pre-authorized-codes"]`',
    )
  return faults
}

/** Puts the prompt `mfa` right after `login` and keeps the order of the others. */
function withMfa(core: Core, policy: Policy): InstanceType<typeof interactionPolicy.Prompt>[] {
  const at = [...policy].findIndex(({ name }) => name === 'login')
  for (const { name } of [...policy].slice(0, at + 1)) core.taken.firstFactorPrompts.add(name)
  const prompts = [...policy].map((prompt, index) => {
    if (index < at) return seePendingSubject(core, prompt)
    return index === at ? loginPrompt(core, prompt) : prompt
  })
  prompts.splice(at + 1, 0, mfaPrompt(core))
  return prompts
}

type InteractionUrl = NonNullable<NonNullable<Configuration['interactions']>['url']>

function withMfaPage(core: Core, { interactions, cookies }: Configuration): InteractionUrl {
  const url = interactions?.url
  return (ctx, interaction) => {
    refuseForeignKeys(ctx, cookies)
    if (interaction.prompt.name === MFA_PROMPT) return `${publicPath(core)}/${interaction.uid}`
    return url === undefined ? `/interaction/${interaction.uid}` : url(ctx, interaction)
  }
}

type Lifetimes = NonNullable<Configuration['ttl']>

/** The host's own default for an interaction. */
const INTERACTION_SECONDS = HOUR_SECONDS

/**
 * Lets the interaction of a second factor, and so its cookie, live as long as the longest set-up: the first factor
 * waits, the set-up is in progress, and then the backup codes are on the screen. The host makes both with the time of
 * `ttl.Interaction`; other interactions keep the application's own time. Empty: that time is long enough.
 */
function withSetUpTime({ deps }: Core, ttl: Lifetimes | undefined): { ttl?: Lifetimes } {
  const own = ttl?.Interaction ?? INTERACTION_SECONDS
  const least = 2 * PENDING_SECONDS + deps.setUpSeconds
  const isFunction = typeof own === 'function' && !types.isAsyncFunction(own)
  // The host refuses every other type by name.
  if (!isFunction && !(typeof own === 'number' && own < least)) return {}
  return {
    ttl: {
      ...ttl,
      Interaction(ctx, interaction) {
        const seconds = typeof own === 'number' ? own : own(ctx, interaction)
        return interaction.prompt.name === MFA_PROMPT && seconds < least ? least : seconds
      },
    },
  }
}

/**
 * Adds `acr`, `amr` and `auth_time` to every ID token, so that relying parties see what was proved without asking for
 * it. `authn_factors` is there for the apps that ask for it, by the claim or by the scope `authn`.
 */
function withAuthenticationClaims(
  claims: Configuration['claims'],
): NonNullable<Configuration['claims']> {
  const openid: unknown = claims?.openid ?? []
  const own: Readonly<Record<string, unknown>> =
    Array.isArray(openid) || openid instanceof Set
      ? Object.fromEntries([...(openid as Iterable<string>)].map((name) => [name, null]))
      : (openid as Record<string, unknown>)
  const always = { sub: null, acr: null, amr: null, auth_time: null, [AUTHN_FACTORS]: null }
  return { ...claims, openid: { ...always, ...own }, [AUTHN_SCOPE]: [AUTHN_FACTORS] }
}

type ExtraTokenClaims = NonNullable<Configuration['extraTokenClaims']>

/** Refuses a token of any grant type that the policy does not cover, unless the application vouches for it (R17). */
function refusingUncovered(
  own: ExtraTokenClaims | undefined,
  { acknowledge, trustedGrantTypes }: ConfigureOptions,
): ExtraTokenClaims {
  const covered = new Set([
    ...COVERED_GRANT_TYPES,
    ...trustedGrantTypes,
    ...acknowledge.flatMap((way) => ACKNOWLEDGED_GRANT_TYPES[way]),
  ])
  return async (ctx, token) => {
    for (const grantType of grantTypesOf(ctx, token))
      if (!covered.has(grantType))
        throw new errors.InvalidGrant(
          `the grant type "${grantType}" asserts no authentication policy`,
        )
    return own?.(ctx, token)
  }
}
