import type { MeterProvider } from '@opentelemetry/api'
import { z } from 'zod'
import type {
  AccountLink,
  HostAccount,
  PersonDescription,
  PolicyQuestion,
} from '../../interactions/core.ts'
import { CHALLENGE_SECONDS, SET_UP_SECONDS } from '../domain/enrolment.ts'
import { MfaError } from '../domain/errors.ts'
import { EVENT_TYPES, type EventCause } from '../domain/events.ts'
import { PENDING_SECONDS } from '../domain/first-factor.ts'
import type { Level } from '../domain/policy/levels.ts'
import type { UpstreamTrust } from '../domain/policy/upstream.ts'
import { RECOVERY_DEFAULTS, type RecoverySettings } from '../domain/recovery.ts'
import { SESSION_SECONDS } from '../domain/session.ts'
import { DAY_SECONDS, HOUR_SECONDS } from '../domain/time.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { HostClient } from '../host/provider.ts'
import type { Catalogue } from '../http/messages.ts'
import type { Render } from '../http/pages.ts'
import { isColour, type Theme } from '../http/theme.ts'
import type { Clock, PasswordHasher, Random } from '../ports/services.ts'
import type { Storage } from '../ports/storage.ts'
import type { Acknowledged } from './configure.ts'
import type { FirstEnrolment, SendMail } from './first-enrolment.ts'
import { heldPolicy, type HeldPolicy, type PolicyOptions } from './policy.ts'
import { upstreamTrustOf, type UpstreamOptions } from './upstream.ts'

export interface ManageOptions {
  /** Client ids of the apps, or a function of the client that answers a truth value or a promise of one. */
  readonly clients: readonly string[] | ((client: HostClient) => unknown)
  /** The page where people manage their factors. Pages link to it where people should do so. */
  readonly url?: string
}

export interface AccountOptions {
  /** The path of the account page below the provider. Default `/account`. */
  readonly path?: string
  /** Links to pages of the application's own, which the account page shows. */
  readonly links?: readonly AccountLink[]
}

export interface RecoveryOptions {
  /** Seconds between the mailed proof and the time in which a replacement can be bound. At least a day. Default 72 h. */
  readonly waitSeconds?: number
  /** Seconds for which a replacement can be bound. Default 7 days. */
  readonly bindSeconds?: number
}

export interface MfaTheme extends Theme {
  /** The name of the service on pages and in mails. Default: `issuerName`, which the authenticator app shows. */
  readonly name?: string
}

export interface MfaOptions {
  /** The name of the service in the authenticator app and on the pages. */
  readonly issuerName: string
  /** The storage of the MFA records: `openSqliteStorage(...)`, or an adapter of your own. */
  readonly storage: Storage
  /** Keys of 32 bytes, as bytes or in base64 (standard or url), the newest first. Keep them outside the database. */
  readonly encryptionKeys: readonly (string | Uint8Array)[]
  /** The factors, in the order of preference: `[totp(), backupCodes()]`. */
  readonly factors: readonly AnyFactor[]
  /**
   * Whether a person needs a second factor in a request: a boolean, or a function that answers a truth value, a demand, a
   * list of demands, or a promise of one of these. Default: everybody does. A person who has enrolled is asked in any
   * case.
   */
  readonly require?: boolean | ((question: PolicyQuestion) => unknown)
  /**
   * The levels of assurance, from the weakest to the strongest: each one at least as strict as the one before it, and the
   * first one reached by a first factor alone. Default: `password`, `multi-factor` and `phishing-resistant`.
   */
  readonly levels?: readonly Level[]
  /** The rules beside `require`: who needs which level, when. `mfa.setPolicy` replaces them. Default: no rules. */
  readonly policy?: PolicyOptions
  /**
   * The levels that a first factor from another identity provider reaches, by that provider's issuer. Default: none; each
   * first factor is of one kind.
   */
  readonly upstream?: UpstreamOptions
  readonly firstEnrolment: FirstEnrolment
  /**
   * The plugin's own pages where people manage their factors, at `/account` of the provider. `true`: with the defaults.
   * Default: no such pages.
   */
  readonly account?: boolean | AccountOptions
  /** The apps that may ask for a change of a person's factors (`mfa_action`). Default: none. */
  readonly manage?: ManageOptions
  /**
   * The label and the mail address of a person. Default: preferred_username, email or name of the account's claims, and
   * the verified email.
   */
  readonly describe?: (account: HostAccount) => PersonDescription | Promise<PersonDescription>
  /** Sends the messages of factors that deliver a code. Not needed with `mailedCode`, which has its own function. */
  readonly sendMail?: SendMail
  /**
   * Whether the owners of accounts get mails of what happens to them, with `sendMail` or `mailedCode`. Default: false.
   * `findAccount` is then also called without a request: its first argument is undefined.
   */
  readonly notices?: boolean
  /** The path of the pages below the provider. Default `/mfa`. */
  readonly path?: string
  /**
   * Whether an account of findAccount may sign in by a credential that names its owner, where no code of yours checks a
   * password. Answer false for a disabled account, if findAccount knows it. Default: each account may.
   */
  readonly maySignIn?: (account: HostAccount) => boolean | Promise<boolean>
  /**
   * False: your application takes the forms of `passkeySignIn` itself, with `identificationResult`, such as to count
   * failures together with those of passwords. Default: the plugin takes them.
   */
  readonly signInRoutes?: boolean
  /** The look of the service: its colour, its logo and its name on pages and in mails. Default: ours, and `issuerName`. */
  readonly theme?: MfaTheme
  /** Folders of your own with templates, messages and style sheets, searched before ours. */
  readonly views?: string | readonly string[]
  /** The language for a person for whom no preferred language is available. Default `en`. */
  readonly locale?: string
  /** Single messages that replace ours, by locale and key. */
  readonly messages?: Readonly<Record<string, Catalogue>>
  /** A function that takes the place of all templates. */
  readonly render?: Render
  /** Links of each page: `help`, `privacy` and `terms` in the footer, and `home`, where people begin. */
  readonly links?: Readonly<Record<string, string>>
  /** Seconds after which a session ends, whatever happens in it. Default 24 h (R15). */
  readonly sessionSeconds?: number
  /** `setUpSeconds`: how long a set-up in progress lives, in seconds. Default 30 min. */
  readonly sessions?: { readonly setUpSeconds?: number }
  /**
   * Whether a person who has lost every factor can bind another one by the password, mailed codes and a wait. Needs
   * `sendMail` or `mailedCode`, and `describe` with `addresses`. Default: an administrator resets the account.
   */
  readonly recovery?: boolean | RecoveryOptions
  /**
   * Seconds for which a first factor that was bound on the password alone opens no change of email, password or
   * recovery. Default 72 h (R10).
   */
  readonly youngSeconds?: number
  /** Slow hashes for look-up secrets. Default: argon2id with OWASP's parameters and a bounded queue. */
  readonly hasher?: PasswordHasher
  /** Ways to a token that never meet the interaction policy, and for which you declare that you assert it yourself. */
  readonly acknowledge?: readonly Acknowledged[]
  /** Grant types of your own that assert the policy themselves. */
  readonly trustedGrantTypes?: readonly string[]
  /**
   * True while nodes without the plugin serve the same sign-ins: a login that they have answered counts as a password.
   * Default: false.
   */
  readonly adopting?: boolean
  /**
   * Called with each change: the id of the present request (`requestId`) and the operator (`actor`), which the details of
   * the events of that change then have. Default: neither.
   */
  readonly cause?: () => EventCause
  /** The provider of OpenTelemetry's meters. Default: the one that is registered with `@opentelemetry/api`, if any. */
  readonly meterProvider?: MeterProvider
  /** The clock and the source of randomness, for tests. */
  readonly clock?: Clock
  readonly random?: Random
}

const KEY_BYTES = 32
/** A set-up begins up to ten minutes after the owner proved the address, and that proof counts for an hour. */
const SHORTEST_SET_UP_SECONDS = PENDING_SECONDS
const LONGEST_SET_UP_SECONDS = HOUR_SECONDS - PENDING_SECONDS
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', {
  error: 'must be a function',
})
const withMethods = (...names: string[]) =>
  z.custom<object>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
    { error: `must have ${names.join(', ')}` },
  )

const HOW_TO_MAKE_A_KEY = `make one, and keep it: openssl rand -base64 ${KEY_BYTES}`
const key = z.unknown().transform((value, context) => {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : value
  if (bytes instanceof Uint8Array && bytes.length === KEY_BYTES) return bytes
  const fault =
    value === undefined || value === ''
      ? 'is missing or empty'
      : `must be ${KEY_BYTES} bytes, in base64 if a string`
  context.addIssue({ code: 'custom', message: `${fault}: ${HOW_TO_MAKE_A_KEY}` })
  return z.NEVER
})

/** The message for an option that is missing, perhaps because its name is misspelt, or that has another type. */
const named = (what: string): { error: (issue: { input?: unknown }) => string } => ({
  error: ({ input }) => `${input === undefined ? 'is missing' : 'is something else'}: ${what}`,
})

/** A drive letter of Windows has one letter; a scheme has more. */
const OTHER_SCHEME = /^(?!file:)[a-z][a-z0-9+.-]+:/i
const onDisk = z.custom<URL | string>(
  (value) =>
    (typeof value === 'string' || value instanceof URL) &&
    String(value) !== '' &&
    !OTHER_SCHEME.test(String(value)),
  { error: 'must be a path or a file: URL' },
)
const pageName = (end: string) =>
  z
    .string()
    .regex(
      new RegExp(`^[a-z][a-z0-9]*(-[a-z0-9]+)*-${end}$`),
      `must be kebab-case and end in -${end}`,
    )
    .optional()
const pages = z.strictObject({
  views: onDisk,
  names: z
    .strictObject({
      enrol: pageName('enrol'),
      verify: pageName('verify'),
      offer: pageName('offer'),
    })
    .optional(),
  script: onDisk.optional(),
  signInScript: onDisk.optional(),
  style: onDisk.optional(),
  beside: onDisk.optional(),
  offer: z.boolean().optional(),
  silent: z.boolean().optional(),
})
const GENERAL_EVENTS: ReadonlySet<string> = new Set(EVENT_TYPES)

/** Whether a factor that names its owner fits. A guessable one does not: a guess would need no password (R4). */
function canIdentify(given: {
  identify?: unknown
  handlesOf?: unknown
  challenge?: unknown
  guessable: boolean
  delivers?: true | undefined
}): boolean {
  if (given.identify === undefined) return true
  const sendsNothing = given.delivers === undefined
  return (
    !given.guessable &&
    sendsNothing &&
    given.challenge !== undefined &&
    given.handlesOf !== undefined
  )
}

const factor = withMethods(
  'parseState',
  'parseResponse',
  'canonical',
  'examine',
  'consume',
  'assurance',
).and(
  z
    .object({
      id: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be kebab-case'),
      enrolment: z.enum(['confirmed', 'issued', 'none']),
      pages: pages.optional(),
      guessable: z.boolean(),
      delivers: z.literal(true).optional(),
      eventTypes: z
        .array(
          z
            .string()
            .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be kebab-case')
            .refine((type) => !GENERAL_EVENTS.has(type), { error: 'is one of the general events' }),
        )
        .optional(),
      challenge: fn.optional(),
      challengeSeconds: z.int().min(1).max(CHALLENGE_SECONDS).optional(),
      most: z.int().min(1).optional(),
      identify: fn.optional(),
      credentialOf: fn.optional(),
      handlesOf: fn.optional(),
    })
    .refine(canIdentify, {
      error:
        'with `identify` must not be guessable, must send nothing, and needs `challenge` and `handlesOf`',
    }),
)

const theme = z.strictObject({
  accent: z.string().refine(isColour, { error: 'must be a colour as #rgb or #rrggbb' }).optional(),
  logo: z
    .string()
    .regex(
      /^(https:\/\/|data:image\/|\/(?![/\\])|[\w-][\w.-]*$)/,
      'must be the name of a picture in your views folder, a path such as /logo.svg, or an https: address',
    )
    .optional(),
  name: z.string().trim().min(1).optional(),
})

const path = z
  .string()
  .regex(/^(\/[a-z0-9_-]+)+$/i, 'must be a path such as /mfa, without a slash at the end')

/** A link is an address of the web, or a path of the application's origin. */
const link = z.strictObject({
  href: z
    .string()
    .regex(/^(https?:\/\/|\/(?![/\\]))/i, 'must be an http(s) address or a path such as /profile'),
  text: z.string().trim().min(1),
})

const shape = z.strictObject({
  issuerName: z.string(named('what people call the service, such as "Acme"')).trim().min(1),
  storage: z.object(
    {
      records: withMethods('load', 'save', 'findByHandle'),
    },
    named('such as mongooseStorage(User) or openSqliteStorage({ path })'),
  ),
  encryptionKeys: z
    .array(key, named(`a list of keys; ${HOW_TO_MAKE_A_KEY}`))
    .min(1, 'needs at least one key'),
  factors: z
    .array(factor, named('a list such as [totp(), backupCodes()]'))
    .refine((list) => list.some(({ enrolment }) => enrolment === 'confirmed'), {
      error: 'needs at least one factor that people can set up, such as totp()',
    })
    .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, {
      error: 'has two factors of one id',
    }),
  require: z.union([z.boolean(), fn]).optional(),
  // The domain reads these three.
  levels: z.unknown().optional(),
  policy: z.unknown().optional(),
  upstream: z.unknown().optional(),
  firstEnrolment: z.union(
    [z.literal('password'), fn, z.object({ kind: z.literal('mailed-code'), send: fn, rule: fn })],
    {
      error:
        "must be mailedCode(send), 'password' or a function: say on what proof a first factor may be set up",
    },
  ),
  manage: z
    .strictObject({
      clients: z.union([z.array(z.string().min(1)), fn], {
        error: 'must be client ids or a function: say which apps may ask for a change of factors',
      }),
      url: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
    })
    .optional(),
  account: z
    .union(
      [z.boolean(), z.strictObject({ path: path.optional(), links: z.array(link).optional() })],
      {
        error: 'must be true, or { path, links }',
      },
    )
    .optional(),
  describe: fn.optional(),
  sendMail: fn.optional(),
  notices: z.boolean().optional(),
  path: path.optional(),
  maySignIn: fn.optional(),
  signInRoutes: z.boolean().optional(),
  theme: theme.optional(),
  views: z.union([z.string(), z.array(z.string())]).optional(),
  locale: z.string().optional(),
  messages: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  render: fn.optional(),
  links: z.record(z.string(), z.string()).optional(),
  sessionSeconds: z.int().min(60).optional(),
  sessions: z
    .strictObject({
      setUpSeconds: z.int().min(SHORTEST_SET_UP_SECONDS).max(LONGEST_SET_UP_SECONDS).optional(),
    })
    .optional(),
  recovery: z
    .union(
      [
        z.boolean(),
        z.strictObject({
          waitSeconds: z.int().min(DAY_SECONDS).optional(),
          bindSeconds: z.int().min(HOUR_SECONDS).optional(),
        }),
      ],
      {
        error:
          'must be true, false or { waitSeconds, bindSeconds } with a wait of 86400 s or more and 3600 s or more after it',
      },
    )
    .optional(),
  youngSeconds: z.int().min(0).optional(),
  hasher: withMethods('hash', 'verify', 'needsRehash').optional(),
  acknowledge: z.array(z.enum(['ciba', 'pre-authorized-codes'])).optional(),
  trustedGrantTypes: z.array(z.string()).optional(),
  adopting: z.boolean().optional(),
  cause: fn.optional(),
  meterProvider: withMethods('getMeter').optional(),
  clock: withMethods('now').optional(),
  random: withMethods('bytes').optional(),
})

export type ParsedOptions = Omit<MfaOptions, 'encryptionKeys' | 'account'> & {
  readonly account: Required<AccountOptions> | undefined
  readonly encryptionKeys: readonly Uint8Array[]
  readonly path: string
  readonly sessionSeconds: number
  readonly setUpSeconds: number
  readonly recovers: boolean
  readonly recoverySettings: RecoverySettings
  readonly inForce: HeldPolicy
  readonly upstreamTrust: UpstreamTrust
}

/** Encryption keys as bytes. Throws MfaError `options-invalid`. */
export function parseKeys(keys: MfaOptions['encryptionKeys']): readonly Uint8Array[] {
  const parsed = shape.shape.encryptionKeys.safeParse(keys)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ message }) => `encryptionKeys: ${message}`)
  throw new MfaError('options-invalid', faults.join('; '))
}

/** Throws MfaError `options-invalid` that lists every fault: plain JavaScript gets no help from types. */
export function parseOptions(options: MfaOptions): ParsedOptions {
  const parsed = shape.safeParse(options)
  const faults = (parsed.error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.') || 'options'}: ${message}`,
  )
  const readable = isReadable(options, parsed.error) ? options : undefined
  const inForce = heldPolicy(readable, faults)
  const upstreamTrust = upstreamTrustOf(readable?.upstream, inForce, faults)
  if (!parsed.success || faults.length > 0)
    throw new MfaError('options-invalid', `createMfa:\n- ${faults.join('\n- ')}`)
  if (options.notices === true && options.sendMail === undefined && !mailsCodes(options))
    throw new MfaError(
      'options-invalid',
      'createMfa:\n- notices: needs sendMail, or mailedCode(sendMail)',
    )
  return {
    ...options,
    encryptionKeys: parsed.data.encryptionKeys,
    path: options.path ?? '/mfa',
    account: parseAccount(options),
    sessionSeconds: options.sessionSeconds ?? SESSION_SECONDS,
    setUpSeconds: options.sessions?.setUpSeconds ?? SET_UP_SECONDS,
    recovers: options.recovery !== undefined && options.recovery !== false,
    recoverySettings: recoverySettings(options),
    inForce,
    upstreamTrust,
  }
}

/** Whether the rules can be compared with the factors. */
function isReadable(options: unknown, error: z.ZodError | undefined): boolean {
  const isObject = typeof options === 'object' && options !== null
  return isObject && (error?.issues ?? []).every(({ path }) => path[0] !== 'factors')
}

function mailsCodes({ firstEnrolment }: MfaOptions): boolean {
  return typeof firstEnrolment === 'object'
}

function recoverySettings({ recovery, youngSeconds }: MfaOptions): RecoverySettings {
  const { waitSeconds, bindSeconds } = typeof recovery === 'object' ? recovery : {}
  return {
    waitSeconds: waitSeconds ?? RECOVERY_DEFAULTS.waitSeconds,
    bindSeconds: bindSeconds ?? RECOVERY_DEFAULTS.bindSeconds,
    youngSeconds: youngSeconds ?? RECOVERY_DEFAULTS.youngSeconds,
  }
}

/** Undefined: the pages are off. Throws MfaError `options-invalid` where they would lie among those of a sign-in. */
function parseAccount({ account, path = '/mfa' }: MfaOptions): ParsedOptions['account'] {
  if (account === undefined || account === false) return undefined
  const { path: own = '/account', links = [] } = account === true ? {} : account
  if (isWithin(own, path) || isWithin(path, own))
    throw new MfaError(
      'options-invalid',
      `createMfa:\n- account.path: ${own} and \`path\`, ${path}, must not contain each other`,
    )
  return { path: own, links }
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`)
}
