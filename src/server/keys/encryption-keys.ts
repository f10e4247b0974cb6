import { secretBox } from '../../adapters/crypto/index.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { SealContext } from '../../ports/services.ts'
import type { Settings } from '../../ports/settings.ts'
import { KeyFault } from './jwks.ts'

/** A check value for each key with which something in the storage may be sealed, by the key's id. */
const SETTING = 'encryption-keys'
const CONTEXT: SealContext = { accountId: 'server', purpose: 'key-check' }
const CHECK = 'opens'

/**
 * Checks that every encryption key in use is configured, and notes the first, which seals from now on. Without this
 * a lost key would show only when its owner signs in (R35). A key behind the first is not noted: it seals nothing,
 * so one that was retired stays so while nodes still have it. Throws KeyFault.
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
  for (;;) {
    const stored = await settings.get(SETTING)
    const known = stored ?? {}
    for (const [id, sealed] of Object.entries(known)) {
      const box = boxes.get(id)
      if (box === undefined)
        throw new KeyFault(
          'ENCRYPTION_KEYS',
          `lacks the key ${id}, with which values in this storage are sealed: add it after the newest one`,
        )
      if (typeof sealed !== 'string') throw new TypeError('a check value is not text')
      box.open(sealed, CONTEXT)
    }
    const [newest] = boxes
    if (newest === undefined || newest[0] in known) return
    const [id, box] = newest
    if (await swap(settings, { ...known, [id]: box.seal(CHECK, CONTEXT) }, stored)) return
  }
}

/** The ids of the keys with which something may be sealed: the first of each node, until it is retired. */
export async function encryptionKeysInUse(settings: Settings): Promise<readonly string[]> {
  return Object.keys((await settings.get(SETTING)) ?? {})
}

/** From now on a start does without these keys. Whoever calls it has seen that nothing is sealed with them. */
export async function retireEncryptionKeys(
  settings: Settings,
  ids: readonly string[],
): Promise<void> {
  for (;;) {
    const stored = await settings.get(SETTING)
    if (stored === undefined) return
    const left = Object.entries(stored).filter(([id]) => !ids.includes(id))
    if (left.length === Object.keys(stored).length) return
    if (await swap(settings, Object.fromEntries(left), stored)) return
  }
}

function swap(
  settings: Settings,
  value: JsonObject,
  expected: JsonObject | undefined,
): Promise<boolean> {
  return expected === undefined
    ? settings.insert(SETTING, value)
    : settings.replace(SETTING, value, expected)
}
