import type { Config } from './environment.ts'
import { fileOptionList, type FileValues } from './schema.ts'

/**
 * The groups and settings of CONFIG_FILE that a node may have for itself: how pages look, how a node stops, the load that
 * it takes, and whether it insists on agreement. Every other setting of the file decides about sign-ins, also one that
 * is added later.
 */
const OF_ONE_NODE: ReadonlySet<string> = new Set([
  'service',
  'stop',
  'cluster',
  'passwords.hashingAtOnce',
  'passwords.hashingQueue',
])

/** The files whose content decides. They may hold secrets, so only fingerprints of them are stored or shown. */
export const DECIDING_FILES = ['CLIENTS_FILE', 'JWKS_FILE'] as const

/** The settings of CONFIG_FILE that all nodes must share. */
const FILE_SETTINGS: readonly string[] = fileOptionList()
  .map(({ name }) => name)
  .filter((name) => !OF_ONE_NODE.has(name) && !OF_ONE_NODE.has(groupOf(name)))

/** The settings in which the nodes of a deployment must agree, apart from ISSUER and COOKIE_KEYS. */
export const DECIDING_SETTINGS: readonly string[] = [
  'NODE_ENV',
  ...DECIDING_FILES,
  ...FILE_SETTINGS,
]

/** The value of each of `DECIDING_SETTINGS`, as it takes effect. Undefined: the setting is not set. */
export function decidingValues(config: Config): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>([
    ['NODE_ENV', config.production ? 'production' : 'other'],
    ['CLIENTS_FILE', config.fileClients],
    ['JWKS_FILE', config.jwks],
  ])
  for (const name of FILE_SETTINGS) values.set(name, valueOf(config.settings, name))
  // The nodes may keep the file in different places.
  values.set('passkeys.metadataFile', config.settings.passkeys.metadata)
  values.set('mfa.firstEnrolment', firstEnrolmentOf(config))
  return values
}

/**
 * The mail server of a node is its own affair, but whether it has one decides what `automatic` stands for: one node
 * would take the password alone where the others mail a code.
 */
function firstEnrolmentOf({ settings: { mfa }, mail }: Config): string {
  if (mfa.firstEnrolment !== 'automatic') return mfa.firstEnrolment
  return mail === undefined ? 'first-sign-in' : 'mailed-code'
}

/** The value of a setting of CONFIG_FILE, by its name: `GROUP.OPTION` or, in no group, `OPTION`. */
export function valueOf(settings: FileValues, name: string): unknown {
  const groups: Readonly<Record<string, unknown>> = settings
  const [group = '', option] = name.split('.')
  const value = groups[group]
  return option === undefined ? value : (value as Readonly<Record<string, unknown>>)[option]
}

function groupOf(name: string): string {
  return name.split('.')[0] ?? ''
}
