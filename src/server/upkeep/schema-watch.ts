import { MfaError } from '../../domain/errors.ts'
import type { SchemaState, ServerStorage, StorageRemark } from '../../ports/server-storage.ts'
import type { Logger } from '../observe/log.ts'

/** Whether this version may work with the schema that the database has now: `migrate` changes it while nodes run. */
export interface SchemaWatch {
  /** False from a look that has found another schema until one that has found a good one. */
  readonly fits: boolean
  /**
   * Reads what the database notes. Throws MfaError `schema-newer`, `schema-outdated` and the others of a schema that
   * does not fit, and `storage-unavailable` and `storage-refused`, which change nothing.
   */
  look(): Promise<void>
}

/** Logs each change, with the versions. */
export function schemaWatch(
  storage: Pick<ServerStorage, 'schema'>,
  log: Pick<Logger, 'info' | 'error'>,
): SchemaWatch {
  let fits = true
  let seen = 0
  return {
    get fits() {
      return fits
    },
    async look() {
      try {
        const { current, wanted, readableFrom } = await storage.schema()
        if (!fits) log.info({ current, wanted }, 'the schema of the database fits again')
        fits = true
        if (current > wanted && current !== seen)
          log.info(
            { current, wanted, readableFrom },
            'a newer version has expanded the schema: this one works with it',
          )
        seen = current
      } catch (error) {
        if (isSchemaFault(error)) {
          if (fits) log.error({ error }, 'the schema of the database does not fit this version')
          fits = false
        }
        throw error
      }
    },
  }
}

/** Whether the database is there and has a schema with which this version may not work. */
export function isSchemaFault(error: unknown): boolean {
  return error instanceof MfaError && error.code.startsWith('schema-')
}

/** The remarks of `doctor` on an upgrade that was begun and not ended. */
export function remarksOnSchema({
  current,
  wanted,
  contractsTo,
}: SchemaState): readonly StorageRemark[] {
  if (current > wanted)
    return [
      {
        about: 'schema',
        problem: `has version ${current}, by a newer version; this one knows versions up to ${wanted} and works with it`,
      },
    ]
  if (contractsTo === undefined) return []
  return [
    {
      about: 'schema',
      problem: `has version ${current} and is not contracted: run \`oidc-provider-mfa migrate contract\` when no node of the former version runs any more`,
    },
  ]
}
