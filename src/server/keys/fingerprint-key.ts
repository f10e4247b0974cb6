import { createHmac } from 'node:crypto'
import { MfaError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Random, SealContext, SecretBox } from '../../ports/services.ts'
import type { Settings } from '../../ports/settings.ts'
import { changeSetting } from '../upkeep/change-setting.ts'

/** The setting that holds the key, sealed: a copy of the database alone does not help to guess what a fingerprint is of. */
const SETTING = 'fingerprint-key'
const CONTEXT: SealContext = { accountId: 'server', purpose: 'fingerprint-key' }
const KEY_BYTES = 32
/** 96 bits: no two values of a deployment have the same one by chance. */
const FINGERPRINT_LENGTH = 16

/** The keyed hash of a value of a setting. The same value of another setting has another one. */
export type Fingerprint = (setting: string, value: string) => string

export interface FingerprintServices {
  readonly settings: Settings
  readonly box: SecretBox
}

/**
 * The fingerprints of this deployment. Their key is made at the first start, and two nodes that start at once get the
 * same one. It is none of ENCRYPTION_KEYS, because the nodes seal with different keys while those are rotated.
 */
export async function fingerprints(
  services: FingerprintServices & { readonly random: Random },
): Promise<Fingerprint> {
  const { settings, box, random } = services
  let key = ''
  await changeSetting(settings, SETTING, (stored) => {
    key = (stored && opened(box, stored)) ?? ''
    if (key !== '') return undefined
    key = Buffer.from(random.bytes(KEY_BYTES)).toString('base64')
    return { sealed: box.seal(key, CONTEXT) }
  })
  return (setting, value) =>
    createHmac('sha256', Buffer.from(key, 'base64'))
      .update(JSON.stringify([setting, value]))
      .digest('base64url')
      .slice(0, FINGERPRINT_LENGTH)
}

/** Seals the key with the newest encryption key. Answers whether it has changed anything. */
export async function resealFingerprintKey({
  settings,
  box,
}: FingerprintServices): Promise<boolean> {
  return changeSetting(settings, SETTING, (stored) => {
    if (stored === undefined || box.keyIdOf(sealedIn(stored)) === box.keyIds[0]) return undefined
    return { sealed: box.seal(box.open(sealedIn(stored), CONTEXT), CONTEXT) }
  })
}

/** The id of the encryption key that seals it; undefined: there is none yet. */
export async function sealingKeyOfFingerprintKey({
  settings,
  box,
}: FingerprintServices): Promise<string | undefined> {
  const stored = await settings.get(SETTING)
  return stored && box.keyIdOf(sealedIn(stored))
}

/**
 * Undefined: it does not open, because an older release has rotated the encryption keys without it. A new key takes its
 * place; nodes that still have the old one have other fingerprints until they start again.
 */
function opened(box: SecretBox, stored: JsonObject): string | undefined {
  try {
    return box.open(sealedIn(stored), CONTEXT)
  } catch (error) {
    if (error instanceof MfaError) return undefined
    throw error
  }
}

function sealedIn({ sealed }: JsonObject): string {
  if (typeof sealed !== 'string') throw new TypeError('the key of fingerprints is not sealed text')
  return sealed
}
