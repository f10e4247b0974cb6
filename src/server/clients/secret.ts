import type { JsonObject } from '../../domain/json.ts'
import type { Clients } from '../../ports/clients.ts'
import type { SealContext, SecretBox } from '../../ports/services.ts'

export const SECRET = 'client_secret'
const SEALED = 'sealed_client_secret'

/** Metadata as it is stored: its secret is sealed, bound to the client. */
export function sealSecret(box: SecretBox, metadata: JsonObject): JsonObject {
  const { [SECRET]: secret, ...rest } = metadata
  return typeof secret === 'string'
    ? { ...rest, [SEALED]: box.seal(secret, contextOf(metadata)) }
    : metadata
}

/** Stored metadata with its secret in clear. Throws MfaError `key-missing` or `seal-broken`. */
export function openSecret(box: SecretBox, stored: JsonObject): JsonObject {
  const { [SEALED]: sealed, ...metadata } = stored
  return typeof sealed === 'string'
    ? { ...metadata, [SECRET]: box.open(sealed, contextOf(metadata)) }
    : metadata
}

export function withoutSecret(metadata: JsonObject): JsonObject {
  const { [SECRET]: _secret, [SEALED]: _sealed, ...rest } = metadata
  return rest
}

/** The id of the key that the client's secret is sealed with; undefined: there is no secret. */
export function sealingKeyOfClient(box: SecretBox, stored: JsonObject): string | undefined {
  const { [SEALED]: sealed } = stored
  return typeof sealed === 'string' ? box.keyIdOf(sealed) : undefined
}

/**
 * Seals the client's secret with the newest key. Returns whether another key had sealed it. A client that is changed
 * or removed at the same moment is read once more, so that neither change is undone.
 */
export async function resealClient(
  clients: Clients,
  box: SecretBox,
  clientId: string,
): Promise<boolean> {
  for (;;) {
    const stored = await clients.get(clientId)
    if (stored === undefined) return false
    const id = sealingKeyOfClient(box, stored)
    if (id === undefined || id === box.keyIds[0]) return false
    const anew = sealSecret(box, openSecret(box, stored))
    if (await clients.replace(clientId, anew, stored)) return true
  }
}

export function idOf(metadata: JsonObject): string {
  const id = metadata['client_id']
  return typeof id === 'string' ? id : ''
}

function contextOf(metadata: JsonObject): SealContext {
  return { accountId: `client:${idOf(metadata)}`, purpose: 'client-secret' }
}
