import type { Config } from '../../../config/environment.ts'
import type { FileValues } from '../../../config/schema.ts'
import { constantWork } from '../../adapters/crypto/constant-work.ts'
import {
  passwordHasher,
  secretBox,
  systemClock,
  systemRandom,
  type QueuedPasswordHasher,
} from '../../adapters/crypto/index.ts'
import { smtpMailer, type SmtpMailer } from '../../adapters/mail/index.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Clock, PasswordHasher, Random, SecretBox } from '../../ports/services.ts'
import { recorder, type Record } from '../observe/audit.ts'
import { hashKinds, type HashKinds } from '../accounts/hash-kinds.ts'
import { SHORTEST_ALONE } from '../accounts/password-policy.ts'
import { accountClient } from '../clients/account-client.ts'
import { clientRegistry, type ClientRegistry } from '../clients/registry.ts'
import { clientValidator } from '../clients/validate.ts'
import { checkEncryptionKeys } from '../keys/encryption-keys.ts'
import { parseSigningKeys, type SigningKeys } from '../keys/jwks.ts'
import { clientRules } from './provider.ts'
import { loadSigningKeys } from '../keys/signing-keys.ts'
import { openStorage } from './storage.ts'

/** What every command and the server itself stand on. */
export interface Foundation {
  readonly config: Config
  readonly settings: FileValues
  readonly issuer: string
  /** What people call the service. */
  readonly serviceName: string
  readonly storage: ServerStorage
  readonly box: SecretBox
  /** Hashes of our own making. */
  readonly hasher: QueuedPasswordHasher
  /** Hashes of people's passwords, those that were imported too. */
  readonly passwords: PasswordHasher
  readonly hashKinds: HashKinds
  readonly clock: Clock
  readonly random: Random
  readonly record: Record
  readonly minimumPasswordLength: number
}

export interface OpenOptions {
  /** Where the server is reached when ISSUER does not say; by default from PORT. */
  readonly issuer?: string
  readonly clock?: Clock
  /** An open storage in place of the one that STORAGE_URL names. */
  readonly storage?: ServerStorage
}

/**
 * Opens the storage and checks that every key it was sealed with is there. An empty database is migrated; an
 * older one is refused (`schema-outdated`) until `migrate` is run, so that a node of yesterday still reads it.
 *
 * Throws MfaError and KeyFault.
 */
export async function layFoundation(
  config: Config,
  options: OpenOptions = {},
): Promise<Foundation> {
  const clock = options.clock ?? systemClock
  const { settings } = config
  const storage = options.storage ?? (await openStorage(config.storage, { clock }))
  const hasher = hasherOf(settings)
  const kinds = hashKinds({ settings: storage.settings, clock })
  try {
    await checkEncryptionKeys(storage.settings, config.encryptionKeys)
    await kinds.made(hasher.kind)
  } catch (error) {
    await storage.close()
    throw error
  }
  const issuer = config.issuer ?? options.issuer ?? `http://localhost:${config.port}`
  return {
    config,
    settings,
    issuer,
    serviceName: settings.service.name ?? new URL(issuer).hostname,
    storage,
    box: secretBox({ keys: config.encryptionKeys }),
    hasher,
    passwords: constantWork({ hasher, kinds: (anew) => kinds.held(anew) }),
    hashKinds: kinds,
    clock,
    random: systemRandom,
    record: recorder(storage.audit, clock, systemRandom),
    minimumPasswordLength: minimumPasswordLength(settings),
  }
}

export function hasherOf({ passwords }: Pick<FileValues, 'passwords'>): QueuedPasswordHasher {
  return passwordHasher({
    memoryKib: passwords.hashMemoryKib,
    iterations: passwords.hashPasses,
    maxConcurrent: passwords.hashingAtOnce,
    maxQueued: passwords.hashingQueue,
  })
}

/** Where a password may have to stand alone it is longer (R16). */
function minimumPasswordLength({ mfa, passwords }: FileValues): number {
  return mfa.required === 'everybody'
    ? passwords.minimumLength
    : Math.max(SHORTEST_ALONE, passwords.minimumLength)
}

/** Those that are to be used now; in the storage they change with time. */
export async function signingKeysOf(foundation: Foundation): Promise<SigningKeys> {
  const { config, storage, box, clock } = foundation
  return config.jwks === undefined
    ? loadSigningKeys({ settings: storage.settings, box }, clock.now())
    : parseSigningKeys(config.jwks)
}

/** Absent: no mail is set, and nothing is mailed. */
export function mailerOf({ config, issuer }: Foundation): SmtpMailer | undefined {
  const { mail } = config
  if (mail === undefined) return undefined
  return smtpMailer({
    url: mail.url,
    from: mail.from ?? `no-reply@${new URL(issuer).hostname}`,
  })
}

export function clientsOf(
  foundation: Foundation,
  signingKeys: SigningKeys,
  builtIn: readonly JsonObject[] = [],
): ClientRegistry {
  const { storage, box, random, record, config, settings, issuer } = foundation
  const secret = Buffer.from(random.bytes(32)).toString('base64url')
  return clientRegistry({
    clients: storage.clients,
    box,
    random,
    record,
    validate: clientValidator(issuer, clientRules(settings, signingKeys)),
    builtIn,
    reserved: [accountClient(foundation, signingKeys, secret)],
    ...(config.fileClients === undefined ? {} : { fromFile: config.fileClients }),
  })
}
