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
 * The server lists the sessions and grants of an account. Their rows have an HMAC of the account id in the same way: a
 * copy of the database does not say whose session a row is.
 *
 * Clients are stored as they are, because their ids are public.
 */
import type { AdapterPayload } from 'oidc-provider'
import { MfaError } from '../domain/errors.ts'
import { sessionEnding, type SessionEnding } from '../host/session.ts'
import type {
  AccountRecords,
  HostAdapter,
  HostRecords,
  ListedModel,
} from '../ports/host-records.ts'
import type { SecretBox } from '../ports/services.ts'
import { nameOf, openUnder, sealUnder, type Handle } from './host-record-seal.ts'

/** The host's records as a database stores them. `destroy` is told why a session ends. */
export type StoredHostRecords = (model: string) => StoredAdapter

export interface StoredAdapter extends Omit<HostAdapter, 'destroy'> {
  destroy(id: string, ending: SessionEnding): Promise<void>
  /** The rows of the model that have this `account`, without those past their time. */
  findByAccount(account: string): Promise<readonly AdapterPayload[]>
}

/** The end of all sessions of one `uid`, which is a name like every key of a row. */
export interface StoredSessions {
  endSession(uid: string): Promise<readonly AdapterPayload[]>
  isEnded(uid: string): Promise<boolean>
}

/** The look-up keys of a row are names. */
export interface SealedPayload extends AdapterPayload {
  /** The name of the account, for the models that are listed. */
  readonly account?: string
  /** The host's payload, sealed under the id. */
  readonly sealed?: string
  /** The id, sealed under the uid, the user code and the account. */
  readonly idByUid?: string
  readonly idByUserCode?: string
  readonly idByAccount?: string
}

/** Makes the MACs of a user code and of an account, the one of the newest key first. */
type Macs = Pick<SecretBox, 'macs'>

/**
 * `box`: without it the storage takes no user codes, and refuses them as `options-invalid`; and it lists nothing by
 * account.
 */
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
    model === 'Client'
      ? asTheyAre(stored(model))
      : sealedAdapter(model, stored(model), {
          macsOf,
          accountMacOf: (accountId) => box && accountMacs(box, accountId)[0],
        })
}

/** The records of `sealedHostRecords` by the account that they belong to. */
export function sealedAccountRecords(
  stored: StoredHostRecords,
  sessions: StoredSessions,
  box: Macs | undefined,
): AccountRecords {
  const nameOfUid = (uid: string): string => nameOf('Session', 'uid', uid)
  return {
    async list(model, accountId) {
      if (box === undefined)
        throw new MfaError(
          'options-invalid',
          'The storage needs `encryptionKeys` to list the sessions and grants of an account',
        )
      const found = await Promise.all(
        accountMacs(box, accountId).map((mac) => listedUnder(model, stored(model), mac)),
      )
      return found.flat()
    },

    async endSession(uid) {
      const rows: readonly SealedPayload[] = await sessions.endSession(nameOfUid(uid))
      return rows.map((row) =>
        opened('Session', openUnder('Session', 'uid', uid, row.idByUid ?? ''), row),
      )
    },

    isEnded: (uid) => sessions.isEnded(nameOfUid(uid)),
  }
}

async function listedUnder(
  model: ListedModel,
  stored: StoredAdapter,
  mac: string,
): Promise<readonly AdapterPayload[]> {
  const rows: readonly SealedPayload[] = await stored.findByAccount(nameOf(model, 'account', mac))
  return rows.map((row) =>
    opened(model, openUnder(model, 'account', mac, row.idByAccount ?? ''), row),
  )
}

function accountMacs(box: Macs, accountId: string): readonly [string, ...string[]] {
  return box.macs('records of an account', JSON.stringify(accountId))
}

const LISTED: readonly string[] = ['Session', 'Grant'] satisfies readonly ListedModel[]

function asTheyAre(stored: StoredAdapter): HostAdapter {
  return { ...stored, destroy: (id) => stored.destroy(id, 'unknown') }
}

interface RowMacs {
  /** Of a user code. */
  readonly macsOf: (userCode: string) => readonly string[]
  readonly accountMacOf: (accountId: string) => string | undefined
}

function sealedAdapter(
  model: string,
  stored: StoredAdapter,
  { macsOf, accountMacOf }: RowMacs,
): HostAdapter {
  const name = (handle: Handle, value: string): string => nameOf(model, handle, value)
  const open = (id: string, found: SealedPayload | undefined | void): AdapterPayload | undefined =>
    found ? opened(model, id, found) : undefined

  return {
    ...(stored.atomicConsume === undefined ? {} : { atomicConsume: stored.atomicConsume }),

    async upsert(id, payload, expiresIn) {
      const [userCode] = payload.userCode === undefined ? [] : macsOf(payload.userCode)
      const { accountId } = payload
      const isListed = accountId !== undefined && LISTED.includes(model)
      const account = isListed ? accountMacOf(accountId) : undefined
      await stored.upsert(
        name('id', id),
        sealedPayload(model, id, payload, { userCode, account }),
        expiresIn,
      )
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

function sealedPayload(
  model: string,
  id: string,
  payload: AdapterPayload,
  { userCode, account }: MacsOfRow,
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
    ...(account === undefined
      ? {}
      : {
          account: nameOf(model, 'account', account),
          idByAccount: sealUnder(model, 'account', account, id),
        }),
  }
}

/** The MACs of the values by which a row is found besides its id, as far as it has them. */
interface MacsOfRow {
  readonly userCode: string | undefined
  readonly account: string | undefined
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
