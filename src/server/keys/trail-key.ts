import { createHmac } from 'node:crypto'
import type { ChainMac } from '../../domain/audit-chain.ts'
import { MfaError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Random, SealContext, SecretBox } from '../../ports/services.ts'
import type { Settings } from '../../ports/settings.ts'
import { changeSetting } from '../upkeep/change-setting.ts'
import { KeyFault } from './jwks.ts'

/**
 * The setting that holds the key of the chains of the audit trail and the names of the chains, sealed: who can write the
 * database alone can neither link an entry nor hide that there was a chain.
 */
const SETTING = 'trail-key'
const CONTEXT: SealContext = { accountId: 'server', purpose: 'trail-key' }
const KEY_BYTES = 32

export interface TrailKeyServices {
  readonly settings: Settings
  readonly box: SecretBox
}

/** The key, and the chains that were begun with it. */
export interface TrailKey {
  readonly mac: ChainMac
  readonly chains: readonly string[]
}

interface Opened {
  readonly key: string
  readonly chains: readonly string[]
}

/**
 * Reads the key; undefined: no entry was added to a chain yet. It is none of ENCRYPTION_KEYS, so that the chains stay
 * valid when those are rotated. Throws MfaError `key-missing` or `seal-broken`.
 */
export async function readTrailKey({
  settings,
  box,
}: TrailKeyServices): Promise<TrailKey | undefined> {
  const stored = await settings.get(SETTING)
  if (stored === undefined) return undefined
  const { key, chains } = open(box, stored)
  return { mac: macWith(key), chains }
}

/**
 * Checks that the key opens. An older release that rotates the encryption keys does not know this setting: it leaves the
 * value under a key that it retires. Without this check no audit entry could be written, and thus nobody could sign in.
 * Throws KeyFault, and MfaError `seal-broken`.
 */
export async function checkTrailKey(services: TrailKeyServices): Promise<void> {
  try {
    await readTrailKey(services)
  } catch (error) {
    if (!(error instanceof MfaError && error.code === 'key-missing')) throw error
    throw new KeyFault(
      'ENCRYPTION_KEYS',
      `lacks the key ${await sealingKeyOfTrailKey(services)}, with which the key of the audit trail is sealed: put this former key back after the newest one, and run \`oidc-provider-mfa keys rotate encryption\``,
    )
  }
}

/** Reads the key, or makes it: of two processes that begin at once both get the same one. */
export async function trailMac(
  services: TrailKeyServices & { readonly random: Random },
): Promise<ChainMac> {
  const { settings, box, random } = services
  let key = ''
  await changeSetting(settings, SETTING, (stored) => {
    key =
      stored === undefined
        ? Buffer.from(random.bytes(KEY_BYTES)).toString('base64')
        : open(box, stored).key
    return stored === undefined ? seal(box, { key, chains: [] }) : undefined
  })
  return macWith(key)
}

/** Notes that a chain was begun. From now on `audit verify` misses it if it is gone. */
export async function noteChain({ settings, box }: TrailKeyServices, name: string): Promise<void> {
  await changeSetting(settings, SETTING, (stored) => {
    if (stored === undefined) return undefined
    const { key, chains } = open(box, stored)
    return chains.includes(name) ? undefined : seal(box, { key, chains: [...chains, name] })
  })
}

/** Seals the key with the newest encryption key. Answers whether it has changed anything. */
export async function resealTrailKey({ settings, box }: TrailKeyServices): Promise<boolean> {
  return changeSetting(settings, SETTING, (stored) =>
    stored === undefined || box.keyIdOf(sealedIn(stored)) === box.keyIds[0]
      ? undefined
      : seal(box, open(box, stored)),
  )
}

/** The id of the encryption key that seals it; undefined: there is none yet. */
export async function sealingKeyOfTrailKey({
  settings,
  box,
}: TrailKeyServices): Promise<string | undefined> {
  const stored = await settings.get(SETTING)
  return stored && box.keyIdOf(sealedIn(stored))
}

function macWith(key: string): ChainMac {
  const bytes = Buffer.from(key, 'base64')
  return (text) => createHmac('sha256', bytes).update(text).digest('base64url')
}

function seal(box: SecretBox, opened: Opened): JsonObject {
  return { sealed: box.seal(JSON.stringify(opened), CONTEXT) }
}

function open(box: SecretBox, stored: JsonObject): Opened {
  return JSON.parse(box.open(sealedIn(stored), CONTEXT)) as Opened
}

function sealedIn({ sealed }: JsonObject): string {
  if (typeof sealed !== 'string') throw new TypeError('the key of the trail is not sealed text')
  return sealed
}
