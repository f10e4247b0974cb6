import { checkEncryptionKeys } from '../keys/encryption-keys.ts'
import type { ServerApp } from '../boot/app.ts'
import { signingKeysOf, type Foundation } from '../boot/foundation.ts'
import type { Logger } from '../observe/log.ts'
import { unfinishedRestore } from './restore.ts'

/** A server whose storage changes by commands while it runs. */
export interface RenewedApp {
  /** The present one: for each request anew. */
  readonly app: ServerApp
  /** Nothing may be answered: what a backup revives is still alive in some accounts (R37). */
  readonly isRestoring: boolean
  /** Looks for an unfinished restore, and at the keys: begins anew with them if they have changed. */
  renew(): Promise<void>
  /** Resolves when what has been decided was passed on. */
  settled(): Promise<void>
}

/**
 * The host takes its keys when it is made and no others later, so a change of keys makes a new one beside the old,
 * which finishes what it has begun. Everything that lasts is in the storage: nobody notices.
 *
 * The encryption keys are looked at as well: a node that still seals with a key that was retired over its head has
 * it noted as in use again, before anybody starts without it.
 */
export async function renewedApp(
  foundation: Foundation,
  make: () => Promise<ServerApp>,
  log: Logger,
): Promise<RenewedApp> {
  let app = await make()
  let former: ServerApp | undefined
  let isRestoring = false
  return {
    get app() {
      return app
    },
    get isRestoring() {
      return isRestoring
    },
    async renew() {
      const before = isRestoring
      isRestoring = (await unfinishedRestore(foundation.storage.settings)) !== undefined
      if (isRestoring !== before)
        log.warn(isRestoring ? 'a restore has not finished: nothing is answered' : 'restored')
      await checkEncryptionKeys(foundation.storage.settings, foundation.config.encryptionKeys)
      const { keys } = await signingKeysOf(foundation)
      if (namesOf(keys) === namesOf(app.signingKeys.keys)) return
      const next = await make()
      await former?.mfa.settled()
      ;[former, app] = [app, next]
      log.info({ keys: next.signingKeys.keys.map(({ kid }) => kid) }, 'signing keys changed')
    },
    async settled() {
      await former?.mfa.settled()
      await app.mfa.settled()
    },
  }
}

/** In order: the first of a kind signs. */
function namesOf(keys: ServerApp['signingKeys']['keys']): string {
  return JSON.stringify(keys.map(({ kid }) => kid))
}
