import { checkEncryptionKeys } from '../keys/encryption-keys.ts'
import type { ServerApp } from '../boot/app.ts'
import { signingKeysOf, type Foundation } from '../boot/foundation.ts'
import type { Logger } from '../observe/log.ts'
import { unfinishedRestore } from './restore.ts'

/** The app of a server whose storage is changed by commands while it runs. */
export interface RenewedApp {
  /** The present app. Read it again for each request. */
  readonly app: ServerApp
  /** True while no request may be answered: what a backup revives is still valid in some accounts (R37). */
  readonly isRestoring: boolean
  /** Looks for an unfinished restore and for changed keys. If the signing keys have changed, it makes a new app. */
  renew(): Promise<void>
  /** Resolves when all events have been passed on. */
  settled(): Promise<void>
}

/**
 * The host takes its keys only when it is made. A change of keys therefore makes a new host beside the old one, which
 * finishes the requests that it has begun. All lasting state is in the storage, so people notice nothing.
 *
 * The encryption keys are checked as well: if this node still seals with a key that a command has retired meanwhile,
 * the check notes the key as in use again, before anybody starts without it.
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
      await former?.settled()
      ;[former, app] = [app, next]
      log.info({ keys: next.signingKeys.keys.map(({ kid }) => kid) }, 'signing keys changed')
    },
    async settled() {
      await former?.settled()
      await app.settled()
    },
  }
}

/** The ids of the keys in order, since the first key of a kind signs. */
function namesOf(keys: ServerApp['signingKeys']['keys']): string {
  return JSON.stringify(keys.map(({ kid }) => kid))
}
