import type { StorageAddress } from '../../../config/values.ts'
import { backUpSqlite, draftsBeside } from '../../adapters/sqlite/backup.ts'
import { openSqliteStorage, schemaState } from '../../adapters/sqlite/index.ts'
import { MfaError } from '../../domain/errors.ts'
import type { MigrationPhases, SchemaState, ServerStorage } from '../../ports/server-storage.ts'
import type { Clock } from '../../ports/services.ts'

export interface StorageOptions {
  /** Which migrations a database of an older version gets; without one that it needs it is refused. */
  readonly migrate?: MigrationPhases
  /** The keys of ENCRYPTION_KEYS, the newest first. Only what runs the device flow needs them. */
  readonly encryptionKeys?: readonly Uint8Array[]
  readonly clock?: Clock
}

/**
 * The storage that STORAGE_URL names. Throws MfaError; that of a database that cannot be opened names the setting, the
 * file or the host, and the cause.
 */
export async function openStorage(
  address: StorageAddress,
  options: StorageOptions = {},
): Promise<ServerStorage> {
  return namingTheSetting(async () => {
    switch (address.kind) {
      case 'sqlite':
        return openSqliteStorage({ path: address.path, ...options })
      case 'mongodb':
        return (await mongodb()).openMongoStorage({ url: address.url, ...options })
    }
  })
}

/** Reads the version of the storage's schema. Neither makes nor changes anything; throws like `openStorage`. */
export async function schemaStateOf(address: StorageAddress): Promise<SchemaState> {
  return namingTheSetting(async () => {
    switch (address.kind) {
      case 'sqlite':
        return schemaState(address.path)
      case 'mongodb':
        return (await mongodb()).mongoSchemaState(address.url)
    }
  })
}

/** A copy of the storage. */
export interface Backup {
  readonly bytes: number
  /** The files that backups have left in the same folder that were killed, or that still run. */
  readonly drafts: readonly string[]
}

/**
 * Copies the storage to a new file. Undefined: the database is copied by its own tools. Throws MfaError, and the system's
 * error for a file that cannot be made or exists.
 */
export function backUpStorage(address: StorageAddress, target: string): Backup | undefined {
  if (address.kind !== 'sqlite') return undefined
  return { bytes: backUpSqlite(address.path, target), drafts: draftsBeside(target) }
}

async function namingTheSetting<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof MfaError) || !error.code.startsWith('storage-')) throw error
    const { code, message, status, cause } = error
    if (message.includes('STORAGE_URL')) throw error
    throw new MfaError(code, `STORAGE_URL: ${message}`, { status, cause })
  }
}

/** Mongoose is loaded here and nowhere else in the server, so a server with SQLite starts without loading it. */
function mongodb(): Promise<typeof import('../../adapters/mongoose/server-storage.ts')> {
  return import('../../adapters/mongoose/server-storage.ts')
}
