import { availableParallelism } from 'node:os'
import type { Connection } from 'mongoose'
import { loadApplicationConfig, type ApplicationConfig } from '../../../config/application.ts'
import type { Environment } from '../../../config/environment.ts'
import { passwordHasher } from '../../adapters/crypto/index.ts'
import {
  applicationUsers,
  readUserId,
  type ApplicationUsers,
  type UserDocument,
} from './application-users.ts'
import { mongooseStorage } from '../../adapters/mongoose/index.ts'
import { MfaError } from '../../domain/errors.ts'
import { createMfa, importedCodes, totp, type Mfa } from '../../index.ts'
import type { Storage } from '../../ports/storage.ts'
import { patientHasher } from './patient-hasher.ts'
import { valueAt, type LegacyFields } from './legacy-fields.ts'

export interface LegacyOptions {
  /** The operator, whom the events name. */
  readonly actor?: string | undefined
  readonly collection: string
  readonly fields: LegacyFields
  /** The place of the records: in the documents, or in the collection that `mongooseStorage(connection)` reads. */
  readonly records: 'documents' | 'apart'
  /** The path of the value that is the account id of `findAccount`; for records in documents it is always `_id`. */
  readonly accountId: string
}

/** The users of an application, with their second factor in the application's own fields. */
export interface LegacyUsers {
  readonly users: ApplicationUsers
  readonly fields: LegacyFields
  readonly records: LegacyOptions['records']
  /** People that are worked on at once, and plain codes that are hashed at once: most of the work is hashing. */
  readonly atOnce: number
  /** The account of a document. Undefined: the document names no account that a record can belong to. */
  accountOf(user: UserDocument): LegacyAccount | undefined
}

export interface LegacyAccount {
  readonly id: string
  readonly accounts: Mfa['accounts']
}

const SELECTION_MS = 3_000
/** Hashes are computed on libuv's pool, which has four threads. */
const HASHING_THREADS = 4

/**
 * Opens the database of an application, runs the work, and closes it again. Creates neither collections nor indexes.
 * Throws ConfigError, and MfaError `storage-unavailable`.
 */
export async function withLegacyUsers<T>(
  environment: Environment,
  options: LegacyOptions & { readonly urlFile?: string },
  work: (legacy: LegacyUsers) => Promise<T>,
): Promise<T> {
  const config = loadApplicationConfig(environment, options.urlFile)
  const connection = await connect(config.database.url)
  try {
    return await work(legacyUsers(connection, config, options))
  } finally {
    await connection.close(true)
  }
}

function legacyUsers(
  connection: Connection,
  { encryptionKeys }: ApplicationConfig,
  { collection, fields, records, accountId, actor }: LegacyOptions,
): LegacyUsers {
  const users = applicationUsers(connection, collection, [
    ...new Set([...fields.values(), accountId]),
  ])
  const atOnce = Math.min(availableParallelism(), HASHING_THREADS)
  const hasher = patientHasher(passwordHasher({ maxConcurrent: atOnce }), atOnce)
  const accountsIn = (storage: Storage): Mfa['accounts'] => {
    const mfa = createMfa({
      issuerName: 'migration',
      storage,
      encryptionKeys,
      factors: [totp(), importedCodes()],
      firstEnrolment: () => 'refused',
      hasher,
      ...(actor === undefined ? {} : { cause: () => ({ actor }) }),
    })
    // The application has the audit trail and the mail, so the events stay in the record until the application passes
    // them on.
    mfa.on('*', () => Promise.reject(new Error('left for the application')))
    return mfa.accounts
  }
  const known = new Map<string, Mfa['accounts']>()
  const once = (key: string, storage: () => Storage): Mfa['accounts'] => {
    const accounts = known.get(key) ?? accountsIn(storage())
    known.set(key, accounts)
    return accounts
  }
  return {
    users,
    fields,
    records,
    atOnce,
    accountOf(user) {
      const id = readUserId(records === 'apart' ? valueAt(user, accountId) : user._id)
      if (id === undefined) return undefined
      const accounts =
        records === 'apart'
          ? once('apart', () => mongooseStorage(connection))
          : once(id.type, () => users.storage(id.type))
      return { id: id.accountId, accounts }
    },
  }
}

/** Loads Mongoose when it is needed: a server with SQLite starts without it. */
async function connect(url: string): Promise<Connection> {
  const { default: mongoose } = await import('mongoose')
  const connection = mongoose.createConnection()
  try {
    return await connection.openUri(url, {
      serverSelectionTimeoutMS: SELECTION_MS,
      appName: 'oidc-provider-mfa',
      autoCreate: false,
      autoIndex: false,
      bufferCommands: false,
      retryWrites: true,
      retryReads: true,
    })
  } catch (cause) {
    await connection.close(true).catch(() => undefined)
    // The driver's message may repeat parts of the URL, and with them the password (R31).
    throw new MfaError(
      'storage-unavailable',
      'The database of APPLICATION_MONGODB_URL, or of --url-file, cannot be opened: check its hosts, its user and ' +
        `password, and TLS (${cause instanceof Error ? cause.name : 'unknown'}).`,
      { status: 503, cause },
    )
  }
}
