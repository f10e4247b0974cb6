import type { Imported, Imports } from '../factor.ts'
import { decode, isBase64url } from './base64url.ts'
import { algorithmOf, fitsAlgorithm, type CoseKey } from './key.ts'
import { loadLibrary } from './library.ts'
import { makerOf } from './makers.ts'
import { ALGORITHMS } from './options.ts'
import {
  fieldsOf,
  isCounter,
  isUuid,
  LONGEST_HANDLE_BYTES,
  LONGEST_ID_BYTES,
  NO_AAGUID,
  readTransports,
  type PasskeyState,
} from './state.ts'

/** No response has this challenge: every real one is longer. */
const NO_CHALLENGE = 'AA'

/** Passkeys of another application: the field `passkeys` of an import. */
export const PASSKEY_IMPORTS: Imports<PasskeyState> = {
  field: 'passkeys',
  read: readImported,
  isSame: (one, other) => one.id === other.id || one.publicKey === other.publicKey,
}

/**
 * Reads a passkey that another application has registered: `{ id, publicKey, counter, transports, aaguid,
 * backupEligible, backedUp, userHandle, name, userVerified }`, in camelCase or snake_case, with bytes in base64url. Its
 * user handle stays, because the device sends that one. The two backup flags have to be given: a response with other
 * flags would be refused. `userVerified` says whether the passkey has verified its user; default true.
 */
async function readImported(given: unknown): Promise<Imported<PasskeyState>> {
  const fields = fieldsOf(given)
  const find = (name: string): unknown => fields[name] ?? fields[snakeCase(name)]
  const [id, publicKey, userHandle] = ['id', 'publicKey', 'userHandle'].map(find)
  const counter = find('counter')
  const transports = find('transports') ?? []
  const aaguid = find('aaguid') ?? NO_AAGUID
  const [backupEligible, backedUp] = ['backupEligible', 'backedUp'].map(find)
  const userVerified = find('userVerified') ?? true
  const name = find('name') ?? ''

  if (!isBase64url(id, 1, LONGEST_ID_BYTES)) return { fault: 'id' }
  if (!isBase64url(publicKey, 1) || !(await isKey(publicKey))) return { fault: 'publicKey' }
  if (!isBase64url(userHandle, 1, LONGEST_HANDLE_BYTES)) return { fault: 'userHandle' }
  if (!isCounter(counter)) return { fault: 'counter' }
  if (!Array.isArray(transports)) return { fault: 'transports' }
  if (typeof aaguid !== 'string' || !isUuid(aaguid.toLowerCase())) return { fault: 'aaguid' }
  if (typeof backupEligible !== 'boolean') return { fault: 'backupEligible' }
  if (typeof backedUp !== 'boolean' || (backedUp && !backupEligible)) return { fault: 'backedUp' }
  if (typeof userVerified !== 'boolean') return { fault: 'userVerified' }
  if (typeof name !== 'string') return { fault: 'name' }

  const flags = { backupEligible, backedUp, userVerified }
  const state: PasskeyState = {
    id,
    publicKey,
    userHandle,
    counter,
    ...flags,
    transports: readTransports(transports),
    aaguid: aaguid.toLowerCase(),
    lastChallenge: NO_CHALLENGE,
  }
  return { state, name: name === '' ? (makerOf(state.aaguid) ?? '') : name }
}

/** Whether the bytes are one COSE key, of an algorithm that this factor knows. */
async function isKey(publicKey: string): Promise<boolean> {
  const { decodeCredentialPublicKey, isoCBOR } = await loadLibrary()
  try {
    const bytes = decode(publicKey)
    const decoded: unknown = decodeCredentialPublicKey(bytes)
    // The library reads the first item. With more bytes behind it, one key would have many spellings.
    const again = isoCBOR.encode(decoded as Parameters<typeof isoCBOR.encode>[0])
    if (again.length !== bytes.length) return false
    const key = decoded as CoseKey
    const algorithm = ALGORITHMS.find((known) => known === algorithmOf(key))
    return algorithm !== undefined && fitsAlgorithm(key, algorithm)
  } catch {
    return false
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
