import { ConfigError, localIssuer, type Config } from '../../../config/environment.ts'
import { remarkOnMetadata, whyNotOffered } from '../../../config/passkeys.ts'
import type { JsonObject } from '../../domain/json.ts'
import { systemClock } from '../../adapters/crypto/index.ts'
import { smtpMailer } from '../../adapters/mail/index.ts'
import { loadCatalogues, missingMessages } from '../../http/messages.ts'
import { viewFolders } from '../../http/templates.ts'
import { ClientFaults } from '../clients/validate.ts'
import { encryptionKeysInUse } from '../keys/encryption-keys.ts'
import { hasLostFormer, idOf } from '../clients/secret.ts'
import { hashKindsInUse } from '../accounts/hash-kinds.ts'
import { checkRetention } from '../observe/audit-retention.ts'
import { examineNodes } from './doctor-nodes.ts'
import type { Finding } from './finding.ts'
import { unfinishedRestore } from './restore.ts'
import { remarksOnSchema } from './schema-watch.ts'
import { parseSigningKeys, type SigningKeys } from '../keys/jwks.ts'
import { signingKeyStates } from '../keys/signing-keys.ts'
import { faultsOfPolicy } from '../boot/policy.ts'
import { clientsOf, layFoundation, signingKeysOf, type Foundation } from '../boot/foundation.ts'

/**
 * An instant before this version was built. A clock that shows an earlier one is wrong, and time-based codes depend
 * on it.
 */
const EARLIEST_INSTANT = Date.UTC(2026, 0, 1) / 1000

type InWords = (error: unknown) => string
type Check = (name: string, work: () => Promise<Checked>) => Promise<void>

/** Runs a check and adds its findings; a check that throws is a finding. */
function checksInto(findings: Finding[], inWords: InWords): Check {
  return async (name, work) => {
    try {
      const { detail = '', besides = [] } = await work()
      findings.push(...besides, { check: name, result: 'ok', detail })
    } catch (error) {
      findings.push({ check: name, result: 'failed', detail: inWords(error) })
    }
  }
}

/**
 * Checks the settings and the files that they name, and opens no storage: before a start, or on a machine that is not
 * the server's. `inWords` describes an error without a secret.
 */
export async function examineSettings(
  config: Config,
  inWords: InWords,
): Promise<readonly Finding[]> {
  const detail = config.production
    ? 'for production'
    : 'for development: NODE_ENV is not production'
  const findings: Finding[] = [{ check: 'settings', result: 'ok', detail }]
  findings.push(...unfitSettings(config))
  const check = checksInto(findings, inWords)
  findings.push(...faultsOfRetention(config), ...findingsOfPolicy(config))
  await check('languages', async () => checkLanguages(config))
  const { jwks } = config
  if (jwks !== undefined)
    await check('JWKS_FILE', async () => ({ detail: namesOf(parseSigningKeys(jwks).keys) }))
  return findings
}

/**
 * Checks everything that a start depends on, one thing after the other, and goes on after a failure. It changes only
 * what a start changes too. `inWords` describes an error without a secret.
 */
export async function examine(config: Config, inWords: InWords): Promise<readonly Finding[]> {
  const findings: Finding[] = [...(await examineSettings(config, inWords))]
  const check = checksInto(findings, inWords)
  let foundation: Foundation | undefined
  await check('storage', async () => {
    foundation = await layFoundation(config)
    return checkStorage(foundation)
  })
  if (foundation !== undefined) {
    const open = foundation
    await check('signing keys', () => checkSigningKeys(open))
    await check('encryption keys', () => checkEncryption(open))
    findings.push(...(await halfRestored(open)))
    await check('password hashes', () => checkPasswordHashes(open))
    await check('clients', () => checkClients(open))
    await check('outbox', () => checkOutbox(open))
    await check('nodes', () => checkNodes(open))
    await open.storage.close()
  }
  if (config.mail !== undefined) {
    const { url } = config.mail
    await check('mail', () => checkMail(url))
  }
  findings.push(clockFinding(systemClock.now()))
  return findings
}

/** The result of a check that did not fail: a remark, and further findings of the check. */
interface Checked {
  readonly detail?: string
  readonly besides?: readonly Finding[]
}

function unfitSettings(config: Config): Finding[] {
  const { unfit, misspelt, issuer, trustedProxies, storage, settings } = config
  const warnings = [
    ...unfit.map(({ setting, problem }) => warning(setting, `not fit for production: ${problem}`)),
    ...misspelt.map(({ setting, problem }) => warning(setting, problem)),
  ]
  if (issuer?.startsWith('https:') && trustedProxies.length === 0)
    warnings.push(
      warning(
        'TRUSTED_PROXIES',
        'is empty: behind a proxy everybody shares the limits of its one address',
      ),
    )
  const address = issuer ?? localIssuer(config.port)
  const left = whyNotOffered(settings.passkeys, address)
  if (left !== undefined) warnings.push(warning('passkeys', left))
  const old = remarkOnMetadata(settings.passkeys, address, systemClock.now())
  if (old !== undefined) warnings.push(warning('passkeys.metadataFile', `the metadata ${old}`))
  if (storage.kind === 'mongodb' && !storage.tls && !storage.local)
    warnings.push(
      warning(
        'STORAGE_URL',
        'is not encrypted: password hashes and sessions cross the network readable; add tls=true',
      ),
    )
  return warnings
}

function faultsOfRetention({ settings }: Config): readonly Finding[] {
  try {
    checkRetention(settings.audit)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ setting, problem }) => ({
      check: setting,
      result: 'failed',
      detail: problem,
    }))
  }
}

function findingsOfPolicy({ settings, issuer, port }: Config): readonly Finding[] {
  const faults = faultsOfPolicy(settings, issuer ?? localIssuer(port))
  return faults.map(({ problem }) => ({ check: 'policy', result: 'failed', detail: problem }))
}

function warning(check: string, detail: string): Finding {
  return { check, result: 'warning', detail }
}

/** A language of `service.views` may be incomplete: its pages show the missing sentences in another language. */
function checkLanguages({ settings: { service } }: Config): Checked {
  const catalogues = loadCatalogues(viewFolders(service.views))
  const besides = [...catalogues.keys()].flatMap((locale) => {
    const missing = missingMessages(catalogues, locale)
    if (missing.length === 0) return []
    return [warning(`messages/${locale}.json`, `lacks ${missing.join(', ')}`)]
  })
  return { detail: [...catalogues.keys()].join(', '), besides }
}

async function checkStorage({ storage }: Foundation): Promise<Checked> {
  await storage.checkWritable()
  const remarks = [
    ...((await storage.inspect?.()) ?? []),
    ...remarksOnSchema(await storage.schema()),
  ]
  return { besides: remarks.map(({ about, problem }) => warning(`storage: ${about}`, problem)) }
}

async function checkSigningKeys(foundation: Foundation): Promise<Checked> {
  const { keys } = await signingKeysOf(foundation)
  const waiting = new Set(await waitingKeys(foundation))
  return { detail: namesOf(keys, waiting) }
}

function namesOf(keys: SigningKeys['keys'], waiting: ReadonlySet<unknown> = new Set()): string {
  const each = keys.map(({ kty, kid }) => {
    const name = `${String(kty)} ${String(kid)}`
    return waiting.has(kid) ? `${name} (does not sign yet)` : name
  })
  return each.join(', ')
}

async function checkEncryption({ box, storage }: Foundation): Promise<Checked> {
  const [newest, ...older] = box.keyIds
  const inUse = await encryptionKeysInUse(storage.settings)
  const besides = older.map((id): Finding => {
    const check = 'encryption keys'
    return inUse.includes(id)
      ? warning(
          check,
          `values may still be sealed with ${id}: run \`oidc-provider-mfa keys rotate encryption\``,
        )
      : {
          check,
          result: 'ok',
          detail: `${id} is not in use and can be taken out of ENCRYPTION_KEYS`,
        }
  })
  return { detail: `${newest} seals`, besides }
}

async function halfRestored({ storage }: Foundation): Promise<readonly Finding[]> {
  if ((await unfinishedRestore(storage.settings)) === undefined) return []
  const detail = 'has not finished: `restore --confirm --resume` goes on with it'
  return [{ check: 'restore', result: 'failed', detail }]
}

async function checkPasswordHashes({ hashKinds, storage, hasher }: Foundation): Promise<Checked> {
  if ((await hashKinds.held()).length === 0) return {}
  const uses = await hashKindsInUse(hashKinds, storage.accounts, hasher.kind)
  const unused = uses.filter(({ state, accounts }) => state === 'held' && accounts === 0)
  const each = uses.map(({ kind, accounts }) => `${kind}: ${accounts}`)
  return {
    detail: `every sign-in computes one of each kind: ${each.join('; ')}`,
    besides: unused.map(({ kind }) =>
      warning(
        'password hashes',
        `nobody has ${kind} any more: \`user hashes --prune\` makes sign-ins cheaper`,
      ),
    ),
  }
}

async function checkClients(foundation: Foundation): Promise<Checked> {
  const registry = clientsOf(foundation, await signingKeysOf(foundation))
  const faults = await registry.fileFaults()
  if (faults.length > 0) throw new ClientFaults('CLIENTS_FILE cannot be used:', faults)
  const clients = await registry.list()
  const ignored = registry
    .fileIgnored()
    .map(({ client, field }) =>
      warning('CLIENTS_FILE', `${client}: ${field} is not known and has no effect`),
    )
  const lost = await lostFormers(foundation)
  const formers = clients.flatMap((client) => formerSecretOf(client, lost))
  return { detail: `${clients.length}`, besides: [...ignored, ...formers] }
}

/** The ids of the clients whose former secret should hold and does not open. */
async function lostFormers({ storage, box, clock }: Foundation): Promise<ReadonlySet<string>> {
  const stored = await storage.clients.list()
  return new Set(stored.filter((client) => hasLostFormer(box, client, clock.now())).map(idOf))
}

function formerSecretOf(
  { client_id: id, former_secret_until: until }: JsonObject,
  lost: ReadonlySet<string>,
): Finding[] {
  if (typeof id !== 'string' || typeof until !== 'number') return []
  if (lost.has(id))
    return [
      warning(
        'clients',
        `${id}: its former secret does not open, so only the present one holds: put the former key back into ENCRYPTION_KEYS and run \`oidc-provider-mfa keys rotate encryption\``,
      ),
    ]
  const end = new Date(until * 1000).toISOString().replace('.000', '')
  const detail = `${id}: its former secret holds until ${end}`
  return [{ check: 'clients', result: 'ok', detail }]
}

/** The first finding is that of the check. */
async function checkNodes(foundation: Foundation): Promise<Checked> {
  const [nodes, ...besides] = await examineNodes(foundation)
  return { detail: nodes.detail, besides }
}

const MOST_COUNTED = 1000

async function checkOutbox({ storage }: Foundation): Promise<Checked> {
  const { length } = await storage.outbox.list({ limit: MOST_COUNTED })
  const count = length === MOST_COUNTED ? `${length} or more` : `${length}`
  return { detail: `mails that wait to be sent: ${count}` }
}

async function checkMail(url: string): Promise<Checked> {
  const mailer = smtpMailer({ url, from: { name: '', address: '' } })
  try {
    await mailer.check()
    return {}
  } finally {
    mailer.close()
  }
}

/** The ids of the keys that are published and do not sign yet. */
async function waitingKeys({ config, storage, box, clock }: Foundation): Promise<unknown[]> {
  if (config.jwks !== undefined) return []
  const states = await signingKeyStates({ settings: storage.settings, box }, clock.now())
  return states.filter(({ state }) => state === 'next').map(({ kid }) => kid)
}

function clockFinding(now: number): Finding {
  return now >= EARLIEST_INSTANT
    ? { check: 'clock', result: 'ok', detail: new Date(now * 1000).toISOString() }
    : { check: 'clock', result: 'failed', detail: 'is behind: time-based codes will not fit' }
}
