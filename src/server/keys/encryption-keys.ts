import { secretBox } from '../../adapters/crypto/index.ts'
import type { SealContext, SecretBox } from '../../ports/services.ts'
import type { Settings } from '../../ports/settings.ts'
import { changeSetting } from '../upkeep/change-setting.ts'
import { KeyFault } from './jwks.ts'

/** The setting that holds, by key id, a check value for each key with which something in the storage may be sealed. */
const SETTING = 'encryption-keys'
const CONTEXT: SealContext = { accountId: 'server', purpose: 'key-check' }
const CHECK = 'opens'

/**
 * Checks that every encryption key in use is configured, and notes the first one, which seals from now on. Without
 * this check a lost key would be noticed only when a person signs in whose secrets it seals (R35). A key behind the
 * first is not noted, since it seals nothing. A retired key thus stays retired while nodes still have it. Throws
 * KeyFault.
 */
export async function checkEncryptionKeys(
  settings: Settings,
  keys: readonly Uint8Array[],
): Promise<void> {
  const boxes = new Map(
    keys.map((key) => {
      const box = secretBox({ keys: [key] })
      return [box.keyIds[0], box]
    }),
  )
  await changeSetting(settings, SETTING, (known = {}) => {
    for (const [id, sealed] of Object.entries(known)) checkKey(boxes.get(id), id, sealed)
    const [newest] = boxes
    if (newest === undefined || newest[0] in known) return undefined
    const [id, box] = newest
    return { ...known, [id]: box.seal(CHECK, CONTEXT) }
  })
}

/** Throws KeyFault when the key is not configured, and MfaError when another key has its id. */
function checkKey(box: SecretBox | undefined, id: string, sealed: unknown): void {
  if (box === undefined)
    throw new KeyFault(
      'ENCRYPTION_KEYS',
      `lacks the key ${id}, with which values in this storage are sealed: add it after the newest one`,
    )
  if (typeof sealed !== 'string') throw new TypeError('a check value is not text')
  box.open(sealed, CONTEXT)
}

/** The ids of the keys with which something may be sealed. A node's first key is among them until it is retired. */
export async function encryptionKeysInUse(settings: Settings): Promise<readonly string[]> {
  return Object.keys((await settings.get(SETTING)) ?? {})
}

/**
 * Removes keys from those in use, so that a start no longer requires them. The caller has checked that they seal
 * nothing.
 */
export async function retireEncryptionKeys(
  settings: Settings,
  ids: readonly string[],
): Promise<void> {
  await changeSetting(settings, SETTING, (stored = {}) => {
    const left = Object.entries(stored).filter(([id]) => !ids.includes(id))
    return left.length === Object.keys(stored).length ? undefined : Object.fromEntries(left)
  })
}
