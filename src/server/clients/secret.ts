import { FORMER_SECRET } from '../../host/former-secret.ts'
import { MfaError } from '../../domain/errors.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { Clients } from '../../ports/clients.ts'
import type { SealContext, SecretBox } from '../../ports/services.ts'

export const SECRET = 'client_secret'
const SEALED = 'sealed_client_secret'
/** The secret before the last rotation, sealed, and the first second in which it no longer holds. */
const SEALED_FORMER = 'sealed_former_client_secret'
const FORMER_UNTIL = 'former_client_secret_until'

/** Members that only the server writes. With one of them an operator could make up a second secret. */
export const OF_THE_SERVER = [SEALED, SEALED_FORMER, FORMER_UNTIL, FORMER_SECRET] as const

/** Metadata as it is stored: its secret is sealed, bound to the client. */
export function sealSecret(box: SecretBox, metadata: JsonObject): JsonObject {
  const { [SECRET]: secret, ...rest } = metadata
  return typeof secret === 'string'
    ? { ...rest, [SEALED]: box.seal(secret, contextOf(metadata, 'client-secret')) }
    : metadata
}

/** Stored metadata with its secret in clear. Throws MfaError `key-missing` or `seal-broken`. */
export function openSecret(box: SecretBox, stored: JsonObject): JsonObject {
  const { [SEALED]: sealed } = stored
  const metadata = withoutSecret(stored)
  return typeof sealed === 'string'
    ? { ...metadata, [SECRET]: box.open(sealed, contextOf(metadata, 'client-secret')) }
    : metadata
}

/**
 * Stored metadata for the host: with its secret in clear, and with the former one as long as it holds. A former secret that
 * does not open is left out, because the app may use its present one. Throws MfaError `key-missing` or `seal-broken`.
 */
export function openForHost(box: SecretBox, stored: JsonObject, now: Instant): JsonObject {
  const metadata = openSecret(box, stored)
  const former = openFormer(box, stored, now)
  return typeof former === 'string' ? { ...metadata, [FORMER_SECRET]: former } : metadata
}

/** Whether a former secret should hold and does not, because no key opens it. */
export function hasLostFormer(box: SecretBox, stored: JsonObject, now: Instant): boolean {
  return openFormer(box, stored, now) === LOST
}

const LOST = Symbol('a former secret that no key opens')

function openFormer(
  box: SecretBox,
  stored: JsonObject,
  now: Instant,
): string | typeof LOST | undefined {
  const { [SEALED_FORMER]: sealed } = stored
  if (typeof sealed !== 'string' || formerSecretUntil(stored, now) === undefined) return undefined
  try {
    return box.open(sealed, contextOf(stored, 'former-secret'))
  } catch (error) {
    if (error instanceof MfaError) return LOST
    throw error
  }
}

export function withoutSecret(metadata: JsonObject): JsonObject {
  const { [SECRET]: _secret, ...rest } = metadata
  const own: ReadonlySet<string> = new Set(OF_THE_SERVER)
  return Object.fromEntries(Object.entries(rest).filter(([member]) => !own.has(member)))
}

/** The end of the former secret. Undefined: none holds. */
export function formerSecretUntil(stored: JsonObject, now: Instant): Instant | undefined {
  const { [FORMER_UNTIL]: until } = stored
  return typeof until === 'number' && now < until ? until : undefined
}

/** The sealed former secret and its end, for metadata that replaces the stored one and has the same secret. */
export function formerOf(stored: JsonObject): JsonObject {
  const { [SEALED_FORMER]: sealed, [FORMER_UNTIL]: until } = stored
  return sealed === undefined ? {} : { [SEALED_FORMER]: sealed, [FORMER_UNTIL]: until }
}

/**
 * Stored metadata with another secret. The present secret becomes the former one and holds until `formerUntil`;
 * undefined ends it at once. A secret that was the former one until now has ended.
 */
export function withNewSecret(
  box: SecretBox,
  stored: JsonObject,
  { secret, formerUntil }: { readonly secret: string; readonly formerUntil: Instant | undefined },
): JsonObject {
  const { [SECRET]: present, ...metadata } = openSecret(box, stored)
  const anew = sealSecret(box, { ...metadata, [SECRET]: secret })
  if (typeof present !== 'string' || formerUntil === undefined) return anew
  const sealed = box.seal(present, contextOf(metadata, 'former-secret'))
  return { ...anew, [SEALED_FORMER]: sealed, [FORMER_UNTIL]: formerUntil }
}

/** The id of the key of each sealed value of the client: of its secret, and of the former one as long as it holds. */
export function sealingKeysOfClient(
  box: SecretBox,
  stored: JsonObject,
  now: Instant,
): readonly string[] {
  return [stored[SEALED], holdingFormerOf(stored, now)[SEALED_FORMER]]
    .filter((sealed) => typeof sealed === 'string')
    .map((sealed) => box.keyIdOf(sealed))
}

/**
 * Seals the client's secrets with the newest key, and drops a former one that no longer holds, whether or not a key opens
 * it. Returns whether it has changed the client. A client that is changed or removed at the same moment is read once more,
 * so that neither change is undone. Throws MfaError `key-missing` or `seal-broken`.
 */
export async function resealClient(
  { clients, box }: { readonly clients: Clients; readonly box: SecretBox },
  clientId: string,
  now: Instant,
): Promise<boolean> {
  for (;;) {
    const stored = await clients.get(clientId)
    if (stored === undefined) return false
    const former = holdingFormerOf(stored, now)
    const isNewest = sealingKeysOfClient(box, stored, now).every((id) => id === box.keyIds[0])
    const hasEnded = stored[SEALED_FORMER] !== former[SEALED_FORMER]
    if (isNewest && !hasEnded) return false
    const anew = {
      ...sealSecret(box, openSecret(box, stored)),
      ...resealedFormer(box, stored, former),
    }
    if (await clients.replace(clientId, anew, stored)) return true
  }
}

function holdingFormerOf(stored: JsonObject, now: Instant): JsonObject {
  return formerSecretUntil(stored, now) === undefined ? {} : formerOf(stored)
}

function resealedFormer(box: SecretBox, stored: JsonObject, former: JsonObject): JsonObject {
  const { [SEALED_FORMER]: sealed } = former
  if (typeof sealed !== 'string') return former
  const context = contextOf(stored, 'former-secret')
  return { ...former, [SEALED_FORMER]: box.seal(box.open(sealed, context), context) }
}

export function idOf(metadata: JsonObject): string {
  const id = metadata['client_id']
  return typeof id === 'string' ? id : ''
}

function contextOf(metadata: JsonObject, purpose: 'client-secret' | 'former-secret'): SealContext {
  return { accountId: `client:${idOf(metadata)}`, purpose }
}
