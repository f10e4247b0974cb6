import { z } from 'zod'
import { passkeyOptions, type MetadataText } from './passkeys.ts'
import { levelsOption, policyOptions } from './policy.ts'
import { resourcesOption } from './resources.ts'
import { choice, custom, flag, integer, optionalLink, optionalText, type Option } from './option.ts'
import {
  applicationDatabase,
  cidrList,
  issuer,
  keyList,
  smtpAddress,
  storageAddress,
} from './values.ts'

/** The names of pino's levels, from the most to the fewest messages. */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/** The storage of a demonstration; a service has to name its own. */
export const DEFAULT_STORAGE_PATH = 'data/server.sqlite'

const PORTS = 'must be a whole number from 0 to 65535'
const RETENTION = 'must be a whole number of days from 0 to 36500'
const path = z.string().min(1, 'must name a file')

/** The settings of the environment: the addresses of this node, its secrets, and the proxies that it trusts. */
export const environmentOptions = {
  ISSUER: custom({
    schema: issuer.optional(),
    type: 'URL',
    default: 'http://localhost:PORT',
    doc: 'The address people and relying parties reach the server at; every link is made from it, never from a request.',
  }),
  PORT: integer({
    min: 0,
    max: 65535,
    default: 3000,
    text: true,
    doc: 'The TCP port to listen on; 0 lets the system choose one.',
  }),
  HOST: custom({
    schema: z.string().min(1, 'must name an address of this machine').default('127.0.0.1'),
    type: 'address',
    default: '127.0.0.1',
    doc: 'The address to listen on; the default is reached from this machine alone.',
  }),
  STORAGE_URL: custom({
    schema: storageAddress.default({ kind: 'sqlite', path: DEFAULT_STORAGE_PATH }),
    type: 'URL',
    default: `sqlite:${DEFAULT_STORAGE_PATH}`,
    bounds: 'sqlite:PATH, mongodb://HOST/DATABASE, mongodb+srv://...',
    secret: true,
    doc: 'Where accounts, clients and sessions are kept.',
  }),
  ENCRYPTION_KEYS: custom({
    schema: keyList.optional(),
    type: 'keys',
    default: 'made once and kept in data/',
    bounds: '32 bytes each, base64, comma-separated, newest first',
    secret: true,
    doc: 'Keys that seal secrets at rest; a new key goes behind the others on every node first, then in front, and an old one stays until nothing is sealed with it.',
  }),
  COOKIE_KEYS: custom({
    schema: keyList.optional(),
    type: 'keys',
    default: 'made once and kept in data/',
    bounds: '32 bytes each, base64, comma-separated, newest first',
    secret: true,
    doc: 'Keys that sign the cookies of the provider.',
  }),
  APPLICATION_MONGODB_URL: custom({
    schema: applicationDatabase.optional(),
    type: 'URL',
    default: 'none',
    bounds: 'mongodb://HOST/DATABASE, mongodb+srv://...',
    secret: true,
    doc: 'The database of an application of your own, for `migrate legacy` alone; the server does not open it.',
  }),
  JWKS_FILE: custom({
    schema: path.optional(),
    type: 'file',
    default: 'made once and kept, sealed, in the storage',
    doc: 'A private JSON Web Key Set to sign tokens with.',
  }),
  CLIENTS_FILE: custom({
    schema: path.optional(),
    type: 'file',
    default: 'none',
    doc: 'A JSON array of relying parties, as `client apply` takes it; they are read-only to the command line.',
  }),
  CONFIG_FILE: custom({
    schema: path.optional(),
    type: 'file',
    default: 'none',
    doc: 'A JSON file with the settings of the second table.',
  }),
  SMTP_URL: custom({
    schema: smtpAddress.optional(),
    type: 'URL',
    default: 'mails are files',
    bounds: 'smtp:// or smtps://',
    secret: true,
    doc: 'The mail server that takes codes, links and notices.',
  }),
  MAIL_FROM: custom({
    schema: z
      .string()
      .max(320)
      .regex(
        /^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/,
        'must be an address, such as Acme <no-reply@acme.example>',
      )
      .optional(),
    type: 'address',
    default: "no-reply at the issuer's host",
    doc: 'The sender of the mail; an address without a name gets the name of the service.',
  }),
  TRUSTED_PROXIES: custom({
    schema: cidrList.default([]),
    type: 'networks',
    default: 'none',
    bounds: 'addresses or CIDR, comma-separated',
    doc: "The proxies whose X-Forwarded-For is believed; anyone else's is ignored.",
  }),
  METRICS_PORT: custom({
    schema: z
      .string()
      .regex(/^\d{1,15}$/, PORTS)
      .transform(Number)
      .pipe(z.int(PORTS).max(65535, PORTS))
      .optional(),
    type: 'integer',
    default: 'no metrics',
    bounds: '0 to 65535',
    doc: 'The TCP port at which `/metrics` is served for Prometheus, and nothing else; 0 lets the system choose one.',
  }),
  METRICS_HOST: custom({
    schema: z.string().min(1, 'must name an address of this machine').default('127.0.0.1'),
    type: 'address',
    default: '127.0.0.1',
    doc: 'The address of METRICS_PORT; the default is reached from this machine alone, whatever HOST is.',
  }),
  NODE_NAME: custom({
    schema: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes and underscores')
      .optional(),
    type: 'name',
    default: 'the name of the host',
    bounds: '1 to 64 letters, digits, `.`, `-`, `_`',
    doc: 'The name of this node, in each line of its log.',
  }),
  LOG_LEVEL: choice({
    of: LOG_LEVELS,
    default: 'info',
    doc: 'The least important messages that are logged.',
  }),
  DEMO: choice({
    of: ['on', 'off'],
    default: 'on',
    doc: 'Whether the demonstration account and relying party are served; never in production.',
  }),
  DEMO_PORT: integer({
    min: 0,
    max: 65535,
    default: 3001,
    text: true,
    doc: 'The TCP port of the demonstration relying party.',
  }),
} satisfies Record<string, Option<unknown>>

const groupNames = z
  .array(z.string().min(1).max(200))
  .min(1)
  .transform((groups): readonly string[] => groups)

/** The settings of CONFIG_FILE: the behaviour of the service, the same on every node. */
export const fileOptions = {
  service: {
    name: optionalText({
      max: 100,
      doc: "What pages and authenticator apps call the service; the issuer's host when absent, `Acme` in the demonstration.",
    }),
    help: optionalLink({ doc: 'Where people find help.' }),
    privacy: optionalLink({ doc: 'The privacy notice.' }),
    terms: optionalLink({ doc: 'The terms of use.' }),
    views: optionalText({
      max: 1000,
      doc: 'A folder of templates and message catalogues of your own, searched before ours.',
    }),
    locale: custom({
      schema: z
        .string()
        .regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, 'must be a language tag such as en or pt-BR')
        .default('en'),
      type: 'language tag',
      default: 'en',
      doc: 'The default language, for a request that asks for no language with a message catalogue.',
    }),
  },
  mfa: {
    required: custom({
      schema: z
        .union([z.literal('everybody'), z.literal('optional'), groupNames], {
          error: 'must be "everybody", "optional" or a list of groups',
        })
        .default('everybody'),
      type: 'choice or list of groups',
      default: 'everybody',
      bounds: 'everybody, optional, or the groups that must',
      doc: "Who is asked for a second factor; a client's own `mfa` can ask for more, and people who have enrolled are always asked.",
    }),
    firstEnrolment: choice({
      of: ['automatic', 'mailed-code', 'first-sign-in', 'password'],
      default: 'automatic',
      doc: "What proves the owner before a first factor: `automatic` takes `mailed-code` where mail is set and else `first-sign-in` (the password, once, within 72 h of the account's making); `password` alone lets everybody who knows the password enrol.",
    }),
    youngSeconds: integer({
      min: 0,
      max: 2_592_000,
      default: 259_200,
      unit: 'seconds',
      doc: 'How long a first factor that was set up on the password alone changes neither email, password nor recovery.',
    }),
  },
  policy: policyOptions,
  recovery: {
    waitSeconds: integer({
      min: 86_400,
      max: 2_592_000,
      default: 259_200,
      unit: 'seconds',
      doc: 'How long a person who has lost every factor waits before a replacement can be bound.',
    }),
    bindSeconds: integer({
      min: 3600,
      max: 2_592_000,
      default: 604_800,
      unit: 'seconds',
      doc: 'How long a replacement can be bound after the wait.',
    }),
  },
  totp: {
    algorithm: choice({
      of: ['SHA1', 'SHA256', 'SHA512'],
      default: 'SHA1',
      doc: 'The hash of RFC 6238; several authenticator apps know SHA1 only.',
    }),
    digits: custom({
      schema: z.union([z.literal(6), z.literal(8)], { error: 'must be 6 or 8' }).default(6),
      type: 'integer',
      default: '6',
      bounds: '6, 8',
      doc: 'The length of a code.',
    }),
    periodSeconds: integer({
      min: 15,
      max: 120,
      default: 30,
      unit: 'seconds',
      doc: 'How long one code lasts.',
    }),
    window: integer({
      min: 0,
      max: 4,
      default: 1,
      unit: 'steps',
      doc: 'How many steps either side of now are accepted; (2 x window + 1) x period stays at most 150 s.',
    }),
  },
  passkeys: passkeyOptions,
  passwords: {
    minimumLength: integer({
      min: 8,
      max: 64,
      default: 8,
      unit: 'characters',
      doc: 'The shortest password accepted; where no second factor is required it is never below 15.',
    }),
    failuresPerAddress: integer({
      min: 1,
      max: 100_000,
      default: 100,
      unit: 'failures',
      doc: 'Wrong passwords and refused passkeys taken from one address (IPv6: one /64) before it has to wait; a password in a known browser is exempt.',
    }),
    addressWindowSeconds: integer({
      min: 10,
      max: 86_400,
      default: 600,
      unit: 'seconds',
      doc: 'The time over which failures of one address are counted.',
    }),
    failuresPerName: integer({
      min: 5,
      max: 100,
      default: 100,
      unit: 'failures',
      doc: 'Consecutive wrong passwords for one name from unknown browsers before only a new set-up link or a known browser gets in.',
    }),
    hashMemoryKib: integer({
      min: 19_456,
      max: 4_194_304,
      default: 65_536,
      unit: 'KiB',
      doc: 'Memory of one argon2id hash; it never goes below what OWASP asks for. An older hash is made anew when its owner signs in.',
    }),
    hashPasses: integer({
      min: 2,
      max: 100,
      default: 3,
      unit: 'passes',
      doc: 'Passes of argon2id over that memory.',
    }),
    hashingAtOnce: integer({
      min: 1,
      max: 64,
      default: 2,
      unit: 'hashes',
      doc: 'Passwords hashed at the same time on this node; each takes its memory and one core.',
    }),
    hashingQueue: integer({
      min: 1,
      max: 10_000,
      default: 64,
      unit: 'hashes',
      doc: 'Passwords waiting to be hashed; more are answered 503 at once. One network gets a quarter of the places, and a quarter is kept for known browsers.',
    }),
  },
  limits: {
    interactionsPerMinute: integer({
      min: 1,
      max: 1_000_000,
      default: 300,
      unit: 'per minute',
      doc: 'Sign-ins that one network (IPv4: an address, IPv6: a /64; a /56 twice and a /48 eight times as many) may begin per minute without a session, over all nodes, counted over two minutes: up to 600 at once.',
    }),
    pushedPerMinute: integer({
      min: 1,
      max: 1_000_000,
      default: 100,
      unit: 'per minute',
      doc: 'Pushed authorization requests of one network per minute, over all nodes.',
    }),
    devicePerMinute: integer({
      min: 1,
      max: 1_000_000,
      default: 100,
      unit: 'per minute',
      doc: 'Device authorization requests of one network per minute, over all nodes.',
    }),
    linksPerMinute: integer({
      min: 1,
      max: 1_000_000,
      default: 60,
      unit: 'per minute',
      doc: 'Forms on the pages of mailed links that one network may send per minute, over all nodes: "this was not me", the cancellation of a recovery, a new password, a new address, a set-up link.',
    }),
    resetsPerMinute: integer({
      min: 1,
      max: 1_000_000,
      default: 30,
      unit: 'per minute',
      doc: 'Requests for a new password by mail of one network per minute, over all nodes. One account gets at most five such mails an hour, and five more from browsers that it knows.',
    }),
  },
  sessions: {
    longestSeconds: integer({
      min: 300,
      max: 2_592_000,
      default: 86_400,
      unit: 'seconds',
      doc: 'How long a sign-in lasts at most.',
    }),
    idleSeconds: integer({
      min: 60,
      max: 2_592_000,
      default: 3600,
      unit: 'seconds',
      doc: 'How long a sign-in lasts without being used.',
    }),
    interactionSeconds: integer({
      min: 300,
      max: 86_400,
      default: 3600,
      unit: 'seconds',
      doc: 'How long a person may take to sign in.',
    }),
    setUpSeconds: integer({
      min: 600,
      max: 3000,
      default: 1800,
      unit: 'seconds',
      doc: 'How long a set-up in progress lives; it has to be begun within 10 minutes of the password.',
    }),
  },
  tokens: {
    accessTokenSeconds: integer({
      min: 30,
      max: 86_400,
      default: 3600,
      unit: 'seconds',
      doc: 'The life of an access token.',
    }),
    idTokenSeconds: integer({
      min: 30,
      max: 86_400,
      default: 3600,
      unit: 'seconds',
      doc: 'The life of an ID token.',
    }),
    refreshTokenSeconds: integer({
      min: 60,
      max: 31_536_000,
      default: 1_209_600,
      unit: 'seconds',
      doc: 'The life of a refresh token and of a grant.',
    }),
    rotateRefreshTokens: choice({
      of: ['public', 'always'],
      default: 'public',
      doc: 'Whose refresh token is replaced at each use: `public` means those of public clients that are not bound to a key or certificate, `always` means all; the others are replaced after 70 percent of their lives.',
    }),
  },
  audit: {
    retentionDays: integer({
      min: 0,
      max: 36_500,
      default: 400,
      unit: 'days',
      doc: 'How long the audit trail is kept; 0 keeps it for ever.',
    }),
    retention: custom({
      schema: z
        .record(z.string(), z.int(RETENTION).min(0, RETENTION).max(36_500, RETENTION), {
          error: 'must be an object of types and days',
        })
        .default({}),
      type: 'days by type',
      default: 'none',
      bounds: '0 to 36500 each',
      doc: 'How long entries of some types are kept instead, such as `{ "signed-in": 90, "user-removed": 0 }`; 0 keeps them for ever.',
    }),
  },
  stop: {
    drainSeconds: integer({
      min: 0,
      max: 300,
      default: 5,
      unit: 'seconds',
      doc: 'How long a node that was told to stop still serves while `ready` answers 503: longer than a proxy takes to see that.',
    }),
    graceSeconds: integer({
      min: 0,
      max: 300,
      default: 20,
      unit: 'seconds',
      doc: 'How long the requests in hand may take after that, when the node accepts no more.',
    }),
  },
  cluster: {
    strict: flag({
      default: false,
      doc: 'Whether `ready` answers 503 while this node differs from one that started earlier in a setting that all nodes share.',
    }),
  },
  features: {
    deviceFlow: flag({
      default: false,
      doc: 'The device authorization grant (RFC 8628).',
    }),
    postAuthorization: flag({
      default: false,
      doc: 'POST to the authorization endpoint; the session cookie then has to be SameSite=None.',
    }),
  },
} satisfies Groups

/** The settings of CONFIG_FILE that are in no group. */
export const singleOptions = { levels: levelsOption, resources: resourcesOption } satisfies Record<
  string,
  Option<unknown>
>

export type Groups = Readonly<Record<string, Readonly<Record<string, Option<unknown>>>>>

type Values<O> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never }

export type EnvironmentValues = Values<typeof environmentOptions>
export type FileValues = {
  readonly [G in keyof typeof fileOptions]: Values<(typeof fileOptions)[G]>
} & Values<typeof singleOptions> & { readonly passkeys: MetadataText }

/** The settings of CONFIG_FILE in the order of the reference; a name is `group.option`. */
export function fileOptionList(): readonly { name: string; option: Option<unknown> }[] {
  const groups: Groups = fileOptions
  const ofGroups = Object.entries(groups).flatMap(([group, options]) =>
    Object.entries(options).map(([name, option]) => ({ name: `${group}.${name}`, option })),
  )
  return [...ofGroups, ...Object.entries(singleOptions).map(([name, option]) => ({ name, option }))]
}
