import { hostname } from 'node:os'
import type { MeterProvider } from '@opentelemetry/api'
import { localIssuer, type Config } from '../../../config/environment.ts'
import type { FileValues } from '../../../config/schema.ts'
import { constantWork } from '../../adapters/crypto/constant-work.ts'
import {
  passwordHasher,
  secretBox,
  systemClock,
  systemRandom,
  type QueuedPasswordHasher,
} from '../../adapters/crypto/index.ts'
import { smtpMailer, type Sender, type SmtpMailer } from '../../adapters/mail/index.ts'
import type { ChainMac } from '../../domain/audit-chain.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Clock, PasswordHasher, Random, SecretBox } from '../../ports/services.ts'
import { measuresOf } from '../../observe/measures.ts'
import type { Measures } from '../../ports/measures.ts'
import { accountEvents, type AccountEvents } from '../notices/account-events.ts'
import { letters, type Letters } from '../notices/letters.ts'
import { serverMeasuresOf, type ServerMeasures } from '../observe/server-measures.ts'
import { measuredStorage } from '../observe/storage.ts'
import { recorder, refusals, type Record, type Refusals } from '../observe/audit.ts'
import { checkRetention } from '../observe/audit-retention.ts'
import { causes, type Causes } from '../observe/causes.ts'
import { chainedTrail } from '../observe/chained-trail.ts'
import { hashKinds, type HashKinds } from '../accounts/hash-kinds.ts'
import { SHORTEST_ALONE } from '../accounts/password-policy.ts'
import { clientRegistry, type ClientRegistry } from '../clients/registry.ts'
import { clientValidator } from '../clients/validate.ts'
import { checkEncryptionKeys } from '../keys/encryption-keys.ts'
import { parseSigningKeys, type SigningKeys } from '../keys/jwks.ts'
import { clientRules } from './provider.ts'
import { loadSigningKeys } from '../keys/signing-keys.ts'
import { checkTrailKey } from '../keys/trail-key.ts'
import { ACCOUNT_CLIENT_ID } from '../../index.ts'
import { openStorage } from './storage.ts'

/** The settings, the storage and the services that every command and the server itself use. */
export interface Foundation {
  readonly config: Config
  readonly settings: FileValues
  readonly issuer: string
  /** The name by which people know the service. */
  readonly serviceName: string
  readonly storage: ServerStorage
  readonly box: SecretBox
  /** Makes and verifies the server's own hashes. */
  readonly hasher: QueuedPasswordHasher
  /** Hashes and verifies people's passwords; verifies imported hashes too. */
  readonly passwords: PasswordHasher
  readonly hashKinds: HashKinds
  readonly clock: Clock
  readonly random: Random
  /** The cause of the present deed, for each audit entry and each event of the plugin. */
  readonly causes: Causes
  /** The MAC of the chains of the audit trail. */
  readonly chainMac: () => Promise<ChainMac>
  readonly record: Record
  readonly refusals: Refusals
  /** Mails that wait to be sent. */
  readonly letters: Letters
  /** Changes of accounts that are told, in one write with what is told. */
  readonly accountEvents: AccountEvents
  readonly minimumPasswordLength: number
  /** The provider of the plugin's measures too. */
  readonly meterProvider: MeterProvider | undefined
  readonly measures: Measures
  readonly serverMeasures: ServerMeasures
}

const DEMONSTRATION_NAME = 'Acme'

export interface OpenOptions {
  /** The address of the server if ISSUER is not set. Default: http://localhost with PORT. */
  readonly issuer?: string
  readonly clock?: Clock
  /** Takes the measurements. Default: the provider that is registered with `@opentelemetry/api`, if any. */
  readonly meterProvider?: MeterProvider | undefined
  /** The operator whose command this is. Absent: the process is a server. */
  readonly actor?: string | undefined
  /** An open storage in place of the one that STORAGE_URL names. */
  readonly storage?: ServerStorage
}

/**
 * Opens the storage and checks that every key with which its values were sealed is configured. An empty database is
 * migrated. An older one is refused (`schema-outdated`) until `migrate` is run: the operator chooses the time.
 *
 * Throws MfaError and KeyFault.
 */
export async function layFoundation(
  config: Config,
  options: OpenOptions = {},
): Promise<Foundation> {
  const clock = options.clock ?? systemClock
  const { settings, encryptionKeys } = config
  checkRetention(settings.audit)
  const measures = measuresOf({ meterProvider: options.meterProvider, factors: [] })
  const serverMeasures = serverMeasuresOf(options.meterProvider)
  const opened = options.storage ?? (await openStorage(config.storage, { clock, encryptionKeys }))
  const measured = measuredStorage(opened, measures, serverMeasures)
  const hasher = hasherOf(settings, measures)
  const kinds = hashKinds({ settings: measured.settings, clock })
  const box = secretBox({ keys: encryptionKeys })
  try {
    await checkEncryptionKeys(measured.settings, encryptionKeys)
    await checkTrailKey({ settings: measured.settings, box })
    await kinds.made(hasher.kind)
  } catch (error) {
    await measured.close()
    throw error
  }
  const chained = chainedTrail(measured.audit, chainName(config, options), {
    settings: measured.settings,
    box,
    random: systemRandom,
  })
  const storage = { ...measured, audit: chained.trail }
  const { accounts, audit } = storage
  const cause = causes(options.actor === undefined ? {} : { actor: options.actor })
  const recording = { clock, cause: () => cause.present() }
  const trail = { ...recording, trail: audit, random: systemRandom, measures }
  const waiting = letters({ storage, box, clock })
  const issuer = config.issuer ?? options.issuer ?? localIssuer(config.port)
  return {
    config,
    settings,
    issuer,
    serviceName: settings.service.name ?? defaultName(config, issuer),
    storage,
    box,
    hasher,
    passwords: constantWork({ hasher, kinds: (anew) => kinds.held(anew) }),
    hashKinds: kinds,
    clock,
    random: systemRandom,
    causes: cause,
    chainMac: chained.mac,
    record: recorder(trail),
    refusals: refusals(trail),
    letters: waiting,
    accountEvents: accountEvents({ ...recording, accounts, audit, letters: waiting }),
    minimumPasswordLength: minimumPasswordLength(settings),
    meterProvider: options.meterProvider,
    measures,
    serverMeasures,
  }
}

/** Each process of a host has the chain of its kind: commands wait for no entry of the server, and the other way round. */
function chainName({ nodeName = hostname() }: Config, { actor }: OpenOptions): string {
  return actor === undefined ? nodeName : `${nodeName}/commands`
}

/** The demonstration has a name, since its host, `localhost`, says nothing in a mail or an authenticator app. */
function defaultName({ demonstration }: Config, issuer: string): string {
  return demonstration === undefined ? new URL(issuer).hostname : DEMONSTRATION_NAME
}

export function hasherOf(
  { passwords }: Pick<FileValues, 'passwords'>,
  measures?: Measures,
): QueuedPasswordHasher {
  const options = {
    memoryKib: passwords.hashMemoryKib,
    iterations: passwords.hashPasses,
    maxConcurrent: passwords.hashingAtOnce,
    maxQueued: passwords.hashingQueue,
  }
  return passwordHasher(options, measures)
}

/** The minimum is higher if a password may be the only factor of an account (R16). */
function minimumPasswordLength({ mfa, passwords }: FileValues): number {
  return mfa.required === 'everybody'
    ? passwords.minimumLength
    : Math.max(SHORTEST_ALONE, passwords.minimumLength)
}

/** The signing keys to use now. Keys in the storage change with time. */
export async function signingKeysOf(foundation: Foundation): Promise<SigningKeys> {
  const { config, storage, box, clock } = foundation
  return config.jwks === undefined
    ? loadSigningKeys({ settings: storage.settings, box }, clock.now())
    : parseSigningKeys(config.jwks)
}

/** Returns undefined if no mail server is set; then nothing is mailed. */
export function mailerOf({ config, issuer, serviceName }: Foundation): SmtpMailer | undefined {
  const { mail } = config
  if (mail === undefined) return undefined
  return smtpMailer({ url: mail.url, from: senderOfMails({ config, issuer, serviceName }) })
}

/** The sender of every mail, with or without a mail server. */
export function senderOfMails({
  config,
  issuer,
  serviceName,
}: Pick<Foundation, 'config' | 'issuer' | 'serviceName'>): Sender {
  const from = config.mail?.from ?? `no-reply@${new URL(issuer).hostname}`
  return senderOf(from, serviceName)
}

/** The name that MAIL_FROM has, or else that of the service: people see it in the list of their mails. */
export function senderOf(from: string, serviceName: string): Sender {
  const [, name = '', address = from] = /^\s*(.*?)\s*<([^<>]+)>\s*$/.exec(from) ?? []
  return { name: name.replace(/^"(.*)"$/, '$1') || serviceName, address: address.trim() }
}

export function clientsOf(
  foundation: Foundation,
  signingKeys: SigningKeys,
  builtIn: readonly JsonObject[] = [],
): ClientRegistry {
  const { storage, box, clock, random, record, config, settings, issuer } = foundation
  return clientRegistry({
    clients: storage.clients,
    box,
    clock,
    random,
    record,
    validate: clientValidator(issuer, clientRules(settings, issuer, signingKeys)),
    builtIn,
    reserved: [ACCOUNT_CLIENT_ID],
    ...(config.fileClients === undefined ? {} : { fromFile: config.fileClients }),
  })
}
