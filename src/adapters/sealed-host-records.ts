/**
 * The host's records in a database, of which a copy is worth no session and no token (R39).
 *
 * The id of a session, token, code or interaction is what its browser or app presents. The database has SHA-256 of the
 * id, and the payload sealed under a key that only the id yields (`host-record-seal.ts`). The payload names further
 * ids: an interaction names its session and its device code, a token names the uid of its session. They are sealed
 * with it, and the host reads them as it wrote them.
 *
 * A session is found by its `uid` too, and a device code by its user code. For each of them the row has the id, sealed
 * under a key that only that value yields. A user code has too few bits for a hash without a key, because an attacker
 * would try all of them. An HMAC under the encryption keys, which are not in the database, takes its place.
 *
 * Clients are stored as they are, because their ids are public.
 */
import type { AdapterPayload } from 'oidc-provider'
import { MfaError } from '../domain/errors.ts'
import { sessionEnding, type SessionEnding } from '../host/session.ts'
import type { HostAdapter, HostRecords } from '../ports/host-records.ts'
import type { SecretBox } from '../ports/services.ts'
import { nameOf, openUnder, sealUnder, type Handle } from './host-record-seal.ts'

/** The host's records as a database stores them. `destroy` is told why a session ends. */
export type StoredHostRecords = (model: string) => StoredAdapter

export interface StoredAdapter extends Omit<HostAdapter, 'destroy'> {
  destroy(id: string, ending: SessionEnding): Promise<void>
}

/** The look-up keys of a row are names. */
interface SealedPayload extends AdapterPayload {
  /** The host's payload, sealed under the id. */
  readonly sealed?: string
  /** The id, sealed under the uid and under the user code. */
  readonly idByUid?: string
  readonly idByUserCode?: string
}

/** Makes the MACs of a user code, the one of the newest key first. */
type Macs = Pick<SecretBox, 'macs'>

/** `box`: without it the storage takes no user codes, and refuses them as `options-invalid`. */
export function sealedHostRecords(stored: StoredHostRecords, box: Macs | undefined): HostRecords {
  const macsOf = (userCode: string): readonly string[] => {
    if (box === undefined)
      throw new MfaError(
        'options-invalid',
        'The storage needs `encryptionKeys` for the device flow: it stores user codes as an HMAC',
      )
    return box.macs('user code', JSON.stringify(userCode))
  }
  return (model) =>
    model === 'Client' ? asTheyAre(stored(model)) : sealedAdapter(model, stored(model), macsOf)
}

function asTheyAre(stored: StoredAdapter): HostAdapter {
  return { ...stored, destroy: (id) => stored.destroy(id, 'unknown') }
}

function sealedAdapter(
  model: string,
  stored: StoredAdapter,
  macsOf: (userCode: string) => readonly string[],
): HostAdapter {
  const name = (handle: Handle, value: string): string => nameOf(model, handle, value)
  const open = (id: string, found: SealedPayload | undefined | void): AdapterPayload | undefined =>
    found ? opened(model, id, found) : undefined

  return {
    ...(stored.atomicConsume === undefined ? {} : { atomicConsume: stored.atomicConsume }),

    async upsert(id, payload, expiresIn) {
      const [userCode] = payload.userCode === undefined ? [] : macsOf(payload.userCode)
      await stored.upsert(name('id', id), sealedPayload(model, id, payload, userCode), expiresIn)
    },

    async find(id) {
      return open(id, await stored.find(name('id', id)))
    },

    async findByUid(uid) {
      const found: SealedPayload | undefined | void = await stored.findByUid(name('uid', uid))
      return found?.idByUid === undefined
        ? undefined
        : open(openUnder(model, 'uid', uid, found.idByUid), found)
    },

    // While keys are rotated, a user code may have been stored under any of them.
    async findByUserCode(userCode) {
      for (const mac of macsOf(userCode)) {
        const found: SealedPayload | undefined | void = await stored.findByUserCode(
          name('user code', mac),
        )
        if (found?.idByUserCode !== undefined)
          return open(openUnder(model, 'user code', mac, found.idByUserCode), found)
      }
      return undefined
    },

    consume: (id) => stored.consume(name('id', id)),

    destroy: (id) =>
      stored.destroy(name('id', id), model === 'Session' ? sessionEnding(id) : 'unknown'),

    revokeByGrantId: (grantId) => stored.revokeByGrantId(name('grant', grantId)),
  }
}

/** `userCode`: the MAC of the user code. */
function sealedPayload(
  model: string,
  id: string,
  payload: AdapterPayload,
  userCode: string | undefined,
): SealedPayload {
  const { uid, grantId } = payload
  const consumed: unknown = payload.consumed
  return {
    sealed: sealUnder(model, 'id', id, JSON.stringify(payload)),
    ...(consumed === undefined ? {} : { consumed }),
    ...(grantId === undefined ? {} : { grantId: nameOf(model, 'grant', grantId) }),
    ...(uid === undefined
      ? {}
      : { uid: nameOf(model, 'uid', uid), idByUid: sealUnder(model, 'uid', uid, id) }),
    ...(userCode === undefined
      ? {}
      : {
          userCode: nameOf(model, 'user code', userCode),
          idByUserCode: sealUnder(model, 'user code', userCode, id),
        }),
  }
}

/** The host's payload, with the time of its use, which the database knows. */
function opened(
  model: string,
  id: string,
  { sealed = '', consumed }: SealedPayload,
): AdapterPayload {
  const payload = JSON.parse(openUnder(model, 'id', id, sealed)) as AdapterPayload
  if (consumed !== undefined) payload.consumed ??= consumed
  return payload
}
