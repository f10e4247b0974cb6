import type { z } from 'zod'
import { suggestion } from '../src/domain/nearest-name.ts'
import {
  environmentOptions,
  fileOptions,
  singleOptions,
  type EnvironmentValues,
  type FileValues,
} from './schema.ts'
import { faultsWithIssuer, readMetadataFile } from './passkeys.ts'
import { fileSchema, passkeysIn } from './settings-file.ts'
import { names, ConfigError, reason, type Fault } from './fault.ts'
import { productionFaults } from './production.ts'
import type { Cidr, StorageAddress } from './values.ts'

export { ConfigError, inWords, type Fault } from './fault.ts'

/** All settings of the server, parsed once. */
export interface Config {
  readonly production: boolean
  /** Absent: derived from the port on which the server listens. Never absent in production. */
  readonly issuer?: string
  readonly host: string
  readonly port: number
  readonly storage: StorageAddress
  /** The keys, the newest first, of 32 bytes each. Empty only for a command that does not need them. */
  readonly encryptionKeys: readonly Uint8Array[]
  readonly cookieKeys: readonly Uint8Array[]
  /** JWKS_FILE as it was read: a JSON value, checked by server/keys/jwks.ts. */
  readonly jwks?: unknown
  /** CLIENTS_FILE as it was read: a JSON value, checked by server/clients. */
  readonly fileClients?: unknown
  readonly mail?: { readonly url: string; readonly from?: string }
  /** Absent: no metrics are served. */
  readonly metrics?: { readonly host: string; readonly port: number }
  readonly trustedProxies: readonly Cidr[]
  readonly logLevel: EnvironmentValues['LOG_LEVEL']
  /** The name of this node. Absent: that of the host. */
  readonly nodeName?: string
  /** The port of the demonstration app; absent: it is not served. */
  readonly demonstration?: { readonly port: number }
  readonly settings: FileValues
  /** The file that CONFIG_FILE names, and its content as it was read. Absent: no file is named. */
  readonly settingsFile?: { readonly path: string; readonly text: string }
  /** The faults that production would refuse, for the list that `npm start` prints. Empty in production. */
  readonly unfit: readonly Fault[]
  /** Variables of the environment that have no effect and whose names are near to those of settings. */
  readonly misspelt: readonly Fault[]
}

export type Environment = Readonly<Record<string, string | undefined>>
/** Reads a file as text; throws when it cannot. */
export type ReadFile = (path: string) => string

type Name = keyof EnvironmentValues
/** A setting that a command may need. */
export type Need = Extract<Name, 'ISSUER' | 'STORAGE_URL' | 'ENCRYPTION_KEYS'>
const NAMES = Object.keys(environmentOptions) as Name[]

/**
 * Reads the environment, the secrets in `NAME_FILE` files and CONFIG_FILE, JWKS_FILE and CLIENTS_FILE. Refuses with one
 * ConfigError that lists every fault. With `NODE_ENV=production` it also refuses settings that only a demonstration may
 * have.
 *
 * `needs`: the settings without which the caller cannot work, for a command; the others may be missing, and are checked
 * where they are given. Default: all that a server needs.
 */
export function parseEnvironment(
  environment: Environment,
  readFile: ReadFile,
  needs?: readonly Need[],
): Config {
  const faults: Fault[] = [...faultOfMode(environment)]
  const production = isProduction(environment)
  const given = givenValues(NAMES, environment, readFile, faults)
  const values = parseValues(NAMES, given, faults) as EnvironmentValues
  let text = ''
  const readText = (path: string): string => (text = readFile(path))
  const content = readJson('CONFIG_FILE', values.CONFIG_FILE, readText, faults)
  const settings = withMetadata(parseContent(content, faults), readFile, faults)
  const jwks = readJson('JWKS_FILE', values.JWKS_FILE, readFile, faults)
  const fileClients = readJson('CLIENTS_FILE', values.CLIENTS_FILE, readFile, faults)

  const isNeeded = ({ setting }: Fault): boolean =>
    needs === undefined ||
    needs.some((need) => need === setting) ||
    given[setting as Name] !== undefined
  const unfit = productionFaults(values, given, faults)
  faults.push(...(production ? unfit : missingKeys(values, faults)).filter(isNeeded))
  if (needs === undefined) {
    faults.push(...faultsTogether(values, settings, faults))
    if (!names(faults, 'ISSUER')) faults.push(...passkeyFaults(content, values))
  }
  const misspelt = misspeltIn(environment)
  if (faults.length > 0 || !settings) throw new ConfigError([...faults, ...misspelt])
  return {
    ...configOf(values, production),
    encryptionKeys: values.ENCRYPTION_KEYS ?? [],
    cookieKeys: values.COOKIE_KEYS ?? [],
    settings,
    ...(values.CONFIG_FILE === undefined
      ? {}
      : { settingsFile: { path: values.CONFIG_FILE, text } }),
    unfit: production ? [] : unfit,
    misspelt,
    ...(jwks === undefined ? {} : { jwks }),
    ...(fileClients === undefined ? {} : { fileClients }),
  }
}

const MODES: readonly (string | undefined)[] = [undefined, '', 'production', 'development', 'test']

export function isProduction(environment: Environment): boolean {
  return environment['NODE_ENV'] === 'production'
}

/** A misspelt `production` would serve the demonstration, with its account, to everybody. */
export function isKnownMode({ NODE_ENV: mode }: Environment): boolean {
  return MODES.includes(mode)
}

function faultOfMode(environment: Environment): Fault[] {
  if (isKnownMode(environment)) return []
  return [
    {
      setting: 'NODE_ENV',
      problem: 'must be production, development or test, without quotes or spaces',
    },
  ]
}

/**
 * A misspelt variable has no effect and no fault of its own, because an environment holds variables of other programs.
 */
function misspeltIn(environment: Environment): Fault[] {
  const known = new Set([
    'NODE_ENV',
    ...NAMES.flatMap((name) => (environmentOptions[name].secret ? [name, `${name}_FILE`] : [name])),
  ])
  return Object.keys(environment)
    .filter((name) => /^[A-Z_]+$/.test(name) && !known.has(name))
    .map((name) => ({ setting: name, near: suggestion(name, known) }))
    .filter(({ near }) => near !== '')
    .map(({ setting, near }) => ({ setting, problem: `is not a setting and has no effect${near}` }))
}

/** Faults for missing keys, which a demonstration needs too. A key that is set but unfit has its fault already. */
function missingKeys(values: EnvironmentValues, faults: readonly Fault[]): Fault[] {
  const keys = { ENCRYPTION_KEYS: values.ENCRYPTION_KEYS, COOKIE_KEYS: values.COOKIE_KEYS }
  return Object.entries(keys)
    .filter(([setting, value]) => value === undefined && !names(faults, setting))
    .map(([setting]) => ({
      setting,
      problem: 'is missing: set it to 32 random bytes (openssl rand -base64 32)',
    }))
}

/** Faults of settings in the file that contradict the environment. */
function faultsTogether(
  values: EnvironmentValues,
  settings: FileValues | undefined,
  faults: readonly Fault[],
): Fault[] {
  const found: Fault[] = []
  const noMail = values.SMTP_URL === undefined && !names(faults, 'SMTP_URL')
  if (settings?.mfa.firstEnrolment === 'mailed-code' && noMail)
    found.push({
      setting: 'CONFIG_FILE mfa.firstEnrolment',
      problem: 'mails a code: set SMTP_URL, or choose another proof',
    })
  if (settings?.features.postAuthorization === true && !values.ISSUER?.startsWith('https:'))
    found.push({
      setting: 'CONFIG_FILE features.postAuthorization',
      problem: 'needs an https ISSUER: a browser sends such a cookie over https alone',
    })
  return found
}

function passkeyFaults(content: unknown, { ISSUER, PORT }: EnvironmentValues): Fault[] {
  const passkeys = passkeysIn(content)
  return passkeys === undefined ? [] : faultsWithIssuer(passkeys, ISSUER ?? localIssuer(PORT))
}

/** The issuer where ISSUER is not set. */
export function localIssuer(port: number): string {
  return `http://localhost:${port}`
}

/** The part of the configuration that comes from the environment alone. */
function configOf(values: EnvironmentValues, production: boolean) {
  const { SMTP_URL: url, MAIL_FROM: from, METRICS_PORT: metricsPort } = values
  const mail = url === undefined ? undefined : { url, ...(from === undefined ? {} : { from }) }
  return {
    production,
    host: values.HOST,
    port: values.PORT,
    storage: values.STORAGE_URL,
    trustedProxies: values.TRUSTED_PROXIES,
    logLevel: values.LOG_LEVEL,
    ...(values.ISSUER === undefined ? {} : { issuer: values.ISSUER }),
    ...(values.NODE_NAME === undefined ? {} : { nodeName: values.NODE_NAME }),
    ...(mail === undefined ? {} : { mail }),
    ...(metricsPort === undefined
      ? {}
      : { metrics: { host: values.METRICS_HOST, port: metricsPort } }),
    ...(production || values.DEMO === 'off' ? {} : { demonstration: { port: values.DEMO_PORT } }),
  }
}

/**
 * Parses only some settings of the environment, for commands that need no others; each is required. `missing`: the text
 * of the fault for a missing setting. Throws ConfigError that lists every fault.
 */
export function parseSome<N extends Name>(
  missing: Readonly<Record<N, string>>,
  environment: Environment,
  readFile: ReadFile,
): { readonly [K in N]: NonNullable<EnvironmentValues[K]> } {
  const faults: Fault[] = []
  const wanted = Object.keys(missing) as N[]
  const values = parseValues(wanted, givenValues(wanted, environment, readFile, faults), faults)
  for (const setting of wanted)
    if (values[setting] === undefined && !names(faults, setting))
      faults.push({ setting, problem: missing[setting] })
  if (faults.length > 0) throw new ConfigError(faults)
  return values as { readonly [K in N]: NonNullable<EnvironmentValues[K]> }
}

/** An empty value counts as absent, because compose files and shells unset a variable in this way. */
function givenValues(
  wanted: readonly Name[],
  environment: Environment,
  readFile: ReadFile,
  faults: Fault[],
): Partial<Record<Name, string>> {
  const given: Partial<Record<Name, string>> = {}
  for (const name of wanted) {
    const direct = present(environment[name])
    const file = environmentOptions[name].secret ? present(environment[`${name}_FILE`]) : undefined
    if (direct !== undefined && file !== undefined)
      faults.push({ setting: name, problem: `is set twice: remove either ${name} or ${name}_FILE` })
    if (file === undefined) {
      if (direct !== undefined) given[name] = direct
      continue
    }
    try {
      const content = present(readFile(file))
      if (content !== undefined) given[name] = content
      else
        faults.push({
          setting: name,
          problem: `is empty: ${name}_FILE names a file without content`,
        })
    } catch (cause) {
      faults.push({ setting: name, problem: `cannot be read from ${name}_FILE: ${reason(cause)}` })
    }
  }
  return given
}

function parseValues<N extends Name>(
  wanted: readonly N[],
  given: Partial<Record<Name, string>>,
  faults: Fault[],
): Pick<EnvironmentValues, N> {
  const values: Record<string, unknown> = {}
  for (const name of wanted) {
    const { schema } = environmentOptions[name]
    const parsed = schema.safeParse(given[name])
    if (parsed.success) values[name] = parsed.data
    else {
      // The other settings are still checked, so that one refusal names every fault.
      values[name] = schema.safeParse(undefined).data
      faults.push({ setting: name, problem: parsed.error.issues[0]?.message ?? 'is unfit' })
    }
  }
  return values as Pick<EnvironmentValues, N>
}

/** The settings in the content of CONFIG_FILE. Undefined: they have faults, or the file could not be read. */
function parseContent(content: unknown, faults: Fault[]): FileValues | undefined {
  if (content === undefined && names(faults, 'CONFIG_FILE')) return undefined
  const parsed = fileSchema.safeParse(content ?? {})
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) faults.push(...fileFaults(issue))
  return undefined
}

function withMetadata(
  settings: FileValues | undefined,
  readFile: ReadFile,
  faults: Fault[],
): FileValues | undefined {
  if (settings === undefined) return undefined
  return { ...settings, passkeys: readMetadataFile(settings.passkeys, readFile, faults) }
}

/**
 * Reads CONFIG_FILE again, for a running server, but not the file with the metadata of passkeys that it may name. Throws
 * ConfigError with every fault of the file.
 */
export function readSettings(path: string, readFile: ReadFile): FileValues {
  const faults: Fault[] = []
  const settings = parseContent(readJson('CONFIG_FILE', path, readFile, faults), faults)
  if (settings === undefined) throw new ConfigError(faults)
  return settings
}

function fileFaults(issue: z.core.$ZodIssue): Fault[] {
  const at = issue.path.map(String)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      setting: `CONFIG_FILE ${[...at, key].join('.')}`,
      problem: `is not a setting${suggestion(key, namesBeside(at))}: see docs/reference/configuration.md`,
    }))
  return [{ setting: `CONFIG_FILE ${at.join('.')}`.trim(), problem: issue.message }]
}

/** The names of CONFIG_FILE in the group at a path, or those of the groups. */
function namesBeside([group]: readonly string[]): readonly string[] {
  const groups: Readonly<Record<string, object>> = fileOptions
  if (group === undefined) return [...Object.keys(groups), ...Object.keys(singleOptions)]
  return Object.keys(groups[group] ?? {})
}

function readJson(
  setting: Name,
  path: string | undefined,
  readFile: ReadFile,
  faults: Fault[],
): unknown {
  if (path === undefined) return undefined
  let text: string
  try {
    text = readFile(path)
  } catch (cause) {
    faults.push({ setting, problem: `names a file that cannot be read: ${reason(cause)}` })
    return undefined
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    // The parser's own message quotes the text, which may hold secrets.
    faults.push({ setting, problem: 'names a file that is not JSON' })
    return undefined
  }
}

function present(value: string | undefined): string | undefined {
  const trimmed = value?.trim()
  return trimmed === '' ? undefined : trimmed
}
