import { createPrivateKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { z } from 'zod'
import { secretBox } from '../adapters/crypto/index.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { SealContext, SecretBox } from '../ports/services.ts'
import type { Settings } from '../ports/settings.ts'

/** Private keys to sign tokens with; of one kind the first signs, the others are still published. */
export interface SigningKeys {
  readonly keys: readonly JWK[]
}

/** What is wrong with the keys and what mends it: for the one message in which a start is refused. */
export class KeyFault extends Error {
  readonly setting: 'ENCRYPTION_KEYS' | 'JWKS_FILE'

  constructor(setting: KeyFault['setting'], problem: string) {
    super(`${setting} ${problem}`)
    this.name = 'KeyFault'
    this.setting = setting
  }
}

const SIGNING_KEYS = 'signing-keys'
const SIGNING_CONTEXT: SealContext = { accountId: 'server', purpose: 'signing-keys' }
const ENCRYPTION_KEYS = 'encryption-keys'
const CHECK_CONTEXT: SealContext = { accountId: 'server', purpose: 'key-check' }
const CHECK = 'opens'

export const SIGNING_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

const makePair = promisify(generateKeyPair)

export interface KeyServices {
  readonly settings: Settings
  readonly box: SecretBox
}

/**
 * The keys in the storage, made at the first start; of two nodes starting at once both get those of one.
 * They are sealed: a copy of the database alone signs nothing. Sealed again when a newer encryption key is set.
 */
export async function loadSigningKeys({ settings, box }: KeyServices): Promise<SigningKeys> {
  const stored = await settings.get(SIGNING_KEYS)
  if (stored === undefined) {
    const made = { keys: await Promise.all(SIGNING_ALGORITHMS.map(makeSigningKey)) }
    return (await settings.insert(SIGNING_KEYS, sealKeys(box, made)))
      ? made
      : loadSigningKeys({ settings, box })
  }
  const keys = openKeys(box, stored)
  const fresh = sealKeys(box, keys)
  if (box.keyIdOf(sealedIn(stored)) !== box.keyIdOf(sealedIn(fresh)))
    await settings.replace(SIGNING_KEYS, fresh, stored)
  return keys
}

/** Puts a new key before the others of its kind. Nodes sign with it from their next start on. */
export async function addSigningKey(
  services: KeyServices,
  algorithm: SigningAlgorithm,
): Promise<JWK> {
  const { settings, box } = services
  const added = await makeSigningKey(algorithm)
  for (;;) {
    await loadSigningKeys(services)
    const stored = await settings.get(SIGNING_KEYS)
    if (stored === undefined) continue
    const next = sealKeys(box, { keys: [added, ...openKeys(box, stored).keys] })
    if (await settings.replace(SIGNING_KEYS, next, stored)) return added
  }
}

const jwks = z.object({
  keys: z.array(z.record(z.string(), z.unknown())).min(1, 'holds no key'),
})

/** Reads JWKS_FILE. Throws KeyFault. What a key holds is never part of a message. */
export function parseSigningKeys(value: unknown): SigningKeys {
  const parsed = jwks.safeParse(value)
  if (!parsed.success)
    throw new KeyFault('JWKS_FILE', 'must hold a JSON Web Key Set: { "keys": [ ... ] }')
  const keys = parsed.data.keys as JWK[]
  for (const [index, key] of keys.entries()) {
    try {
      createPrivateKey({ key, format: 'jwk' })
    } catch {
      throw new KeyFault('JWKS_FILE', `key ${index + 1} is not a private key`)
    }
  }
  // OpenID Connect Core 15.1: every relying party may count on RS256.
  if (!keys.some((key) => key.kty === 'RSA' && [undefined, 'RS256'].includes(key.alg)))
    throw new KeyFault('JWKS_FILE', 'must hold an RSA key, which signs by RS256')
  return { keys }
}

/**
 * Checks that every encryption key the storage has met is still set, and notes those that are new. Without
 * this a lost key would show only when its owner signs in (R35). Throws KeyFault.
 */
export async function checkEncryptionKeys(
  settings: Settings,
  keys: readonly Uint8Array[],
): Promise<void> {
  const boxes = new Map(
    keys.map((key) => {
      const box = secretBox({ keys: [key] })
      return [box.keyIdOf(box.seal(CHECK, CHECK_CONTEXT)), box]
    }),
  )
  for (;;) {
    const stored = await settings.get(ENCRYPTION_KEYS)
    const known = stored ?? {}
    for (const [id, sealed] of Object.entries(known)) {
      const box = boxes.get(id)
      if (box === undefined)
        throw new KeyFault(
          'ENCRYPTION_KEYS',
          `lacks the key ${id}, with which values in this storage are sealed: add it after the newest one`,
        )
      box.open(textOf(sealed), CHECK_CONTEXT)
    }
    const added = [...boxes].filter(([id]) => !(id in known))
    if (added.length === 0) return
    const next: JsonObject = {
      ...known,
      ...Object.fromEntries(added.map(([id, box]) => [id, box.seal(CHECK, CHECK_CONTEXT)])),
    }
    const noted =
      stored === undefined
        ? await settings.insert(ENCRYPTION_KEYS, next)
        : await settings.replace(ENCRYPTION_KEYS, next, stored)
    if (noted) return
  }
}

async function makeSigningKey(algorithm: SigningAlgorithm): Promise<JWK> {
  const { privateKey } = await (algorithm === 'RS256'
    ? makePair('rsa', { modulusLength: 2048 })
    : algorithm === 'ES256'
      ? makePair('ec', { namedCurve: 'P-256' })
      : makePair('ed25519'))
  const jwk = privateKey.export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint(jwk)
  // Ed25519 signs under two names, `EdDSA` and the newer `Ed25519` (RFC 9864): it is bound to neither.
  return { ...jwk, kid, use: 'sig', ...(algorithm === 'EdDSA' ? {} : { alg: algorithm }) }
}

function sealKeys(box: SecretBox, keys: SigningKeys): JsonObject {
  return { sealed: box.seal(JSON.stringify(keys), SIGNING_CONTEXT) }
}

function openKeys(box: SecretBox, stored: JsonObject): SigningKeys {
  return JSON.parse(box.open(sealedIn(stored), SIGNING_CONTEXT)) as SigningKeys
}

function sealedIn(stored: JsonObject): string {
  return textOf(stored['sealed'])
}

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new TypeError('a sealed setting is not text')
  return value
}
