import { readFileSync } from 'node:fs'
import { parseSome, type Environment } from './environment.ts'
import type { MongodbAddress } from './mongodb-address.ts'

/**
 * The settings for work on the records of an application that has the plugin. Settings of the server are not needed.
 */
export interface ApplicationConfig {
  /** The application's own keys, newest first. */
  readonly encryptionKeys: readonly Uint8Array[]
  readonly database: MongodbAddress
}

/**
 * `urlFile`: a file with the URL of the database, in place of APPLICATION_MONGODB_URL. Keys are never made here: the
 * application could not open values that are sealed with keys that it does not have. Throws ConfigError that lists
 * every fault.
 */
export function loadApplicationConfig(
  environment: Environment,
  urlFile?: string,
): ApplicationConfig {
  const fromFile = {
    APPLICATION_MONGODB_URL: undefined,
    APPLICATION_MONGODB_URL_FILE: urlFile,
  }
  const values = parseSome(
    {
      ENCRYPTION_KEYS: "is missing: set it to the application's, the `encryptionKeys` of createMfa",
      APPLICATION_MONGODB_URL: 'is missing: set it, or name a file with --url-file',
    },
    urlFile === undefined ? environment : { ...environment, ...fromFile },
    (path) => readFileSync(path, 'utf8'),
  )
  return {
    encryptionKeys: values.ENCRYPTION_KEYS,
    database: values.APPLICATION_MONGODB_URL,
  }
}
