import { MfaError } from '../../domain/errors.ts'
import { countIn, recordIdBatches } from '../accounts/batches.ts'
import { idOf, resealClient, sealingKeysOfClient } from '../clients/secret.ts'
import { resealLetters, sealingKeysOfLetters } from '../notices/letters.ts'
import { encryptionKeysInUse, retireEncryptionKeys } from './encryption-keys.ts'
import type { Foundation } from '../boot/foundation.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { resealFingerprintKey, sealingKeyOfFingerprintKey } from './fingerprint-key.ts'
import { resealSigningKeys, sealingKeyOfSigningKeys } from './signing-keys.ts'
import { resealTrailKey, sealingKeyOfTrailKey } from './trail-key.ts'

export interface RotationServices {
  readonly foundation: Pick<Foundation, 'storage' | 'box' | 'clock'>
  readonly accounts: Pick<ServerMfa['accounts'], 'resealSecrets' | 'sealingKeys'>
}

export interface RotationOptions {
  /** Whether the run only counts what is sealed with which key. */
  readonly dryRun?: boolean
  /** Is called after each batch of records. */
  readonly progress?: (done: Progress) => void
}

export interface Progress {
  readonly pass: 'sealing' | 'counting'
  /** How many records have been read so far in this pass. */
  readonly records: number
  /** How many records there were before the first pass. */
  readonly total: number
  /** How many of them were sealed anew. */
  readonly resealed: number
}

export interface Rotation {
  readonly records: number
  /** How many records, clients, settings and waiting mails were sealed anew. */
  readonly resealed: number
  /** The configured keys, the newest first, and how many values each seals at the end. */
  readonly keys: readonly KeyUse[]
  /** The first thousand. */
  readonly faults: readonly RotationFault[]
  /** Whether there were more faults than are listed. */
  readonly moreFaults: boolean
}

export interface KeyUse {
  readonly id: string
  /** `retired`: this run has retired it. `unused`: it was not in use, and can be taken out of ENCRYPTION_KEYS. */
  readonly state: 'newest' | 'in-use' | 'retired' | 'unused'
  readonly values: number
}

/** A value that could not be sealed anew or read. The key that seals it stays in use. */
export interface RotationFault {
  readonly where: 'account' | 'client' | 'setting' | 'outbox'
  readonly id: string
  /** The code of the MfaError. */
  readonly code: string
}

/**
 * Seals with the newest key every value that an older one has sealed, record by record, while people sign in. Then
 * reads everything once more and retires the keys that seal nothing, so that a start no longer requires them. The run
 * may be interrupted anywhere and begun again: finished work stays done. Throws when the storage is unavailable.
 */
export async function rotateEncryption(
  services: RotationServices,
  { dryRun = false, progress = () => undefined }: RotationOptions = {},
): Promise<Rotation> {
  const { storage, box } = services.foundation
  const faults: Faults = { listed: new Map(), areMore: false }
  const total = await countIn(recordIdBatches(storage))
  const tell: Tell = (done) => progress({ ...done, total })
  const sealed = dryRun ? { resealed: 0 } : await sealAnew(services, faults, tell)
  const counted = await count(services, faults, tell)

  const inUse = await encryptionKeysInUse(storage.settings)
  const idle = (id: string): boolean => id !== box.keyIds[0] && !counted.values.has(id)
  // An unreadable value may be sealed with any of the keys.
  const retired = dryRun || counted.incomplete ? [] : inUse.filter(idle)
  await retireEncryptionKeys(storage.settings, retired)
  const stateOf = (id: string): KeyUse['state'] => {
    if (id === box.keyIds[0]) return 'newest'
    if (retired.includes(id)) return 'retired'
    return inUse.includes(id) || counted.values.has(id) ? 'in-use' : 'unused'
  }
  return {
    records: counted.records,
    resealed: sealed.resealed,
    keys: box.keyIds.map((id) => ({
      id,
      state: stateOf(id),
      values: counted.values.get(id) ?? 0,
    })),
    faults: [...faults.listed.values()],
    moreFaults: faults.areMore,
  }
}

/** The settings whose values are sealed. */
const SEALED_SETTINGS = {
  'signing-keys': { anew: resealSigningKeys, keyOf: sealingKeyOfSigningKeys },
  'fingerprint-key': { anew: resealFingerprintKey, keyOf: sealingKeyOfFingerprintKey },
  'trail-key': { anew: resealTrailKey, keyOf: sealingKeyOfTrailKey },
} as const

/** With a key missing there are as many faults as people, and the memory should not hold them all. */
const MOST_FAULTS = 1_000

interface Faults {
  /** By place: both passes find the same fault. */
  readonly listed: Map<string, RotationFault>
  areMore: boolean
}

type Tell = (done: Omit<Progress, 'total'>) => void

async function sealAnew(
  { foundation: { storage, box, clock }, accounts }: RotationServices,
  faults: Faults,
  progress: Tell,
): Promise<{ resealed: number }> {
  let [records, resealed] = [0, 0]
  for await (const batch of recordIdBatches(storage)) {
    for (const id of batch) {
      const work = (): Promise<boolean> => accounts.resealSecrets(id)
      if (await noting(faults, { where: 'account', id }, work)) resealed += 1
    }
    records += batch.length
    progress({ pass: 'sealing', records, resealed })
  }
  for (const id of (await storage.clients.list()).map(idOf)) {
    const work = (): Promise<boolean> =>
      resealClient({ clients: storage.clients, box }, id, clock.now())
    if (await noting(faults, { where: 'client', id }, work)) resealed += 1
  }
  const keys = { settings: storage.settings, box }
  for (const [id, { anew }] of Object.entries(SEALED_SETTINGS))
    if (await noting(faults, { where: 'setting', id }, () => anew(keys))) resealed += 1
  const { outbox } = storage
  resealed += (await noting(faults, LETTERS, () => resealLetters({ outbox, box }))) ?? 0
  return { resealed }
}

async function count(
  { foundation: { storage, box, clock }, accounts }: RotationServices,
  faults: Faults,
  progress: Tell,
): Promise<{ records: number; values: ReadonlyMap<string, number>; incomplete: boolean }> {
  const values = new Map<string, number>()
  let records = 0
  let incomplete = false
  const add = async (about: About, work: () => Promise<Readonly<Record<string, number>>>) => {
    const found = await noting(faults, about, work)
    if (found === undefined) incomplete = true
    for (const [id, more] of Object.entries(found ?? {}))
      values.set(id, (values.get(id) ?? 0) + more)
  }
  for await (const batch of recordIdBatches(storage)) {
    for (const id of batch) await add({ where: 'account', id }, () => accounts.sealingKeys(id))
    records += batch.length
    progress({ pass: 'counting', records, resealed: 0 })
  }
  for (const client of await storage.clients.list())
    await add({ where: 'client', id: idOf(client) }, async () =>
      each(sealingKeysOfClient(box, client, clock.now())),
    )
  const keys = { settings: storage.settings, box }
  for (const [id, { keyOf }] of Object.entries(SEALED_SETTINGS))
    await add({ where: 'setting', id }, async () => one(await keyOf(keys)))
  await add(LETTERS, () => sealingKeysOfLetters({ outbox: storage.outbox, box }))
  return { records, values, incomplete }
}

function one(id: string | undefined): Readonly<Record<string, number>> {
  return id === undefined ? {} : { [id]: 1 }
}

function each(ids: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(ids.map((id) => [id, ids.filter((other) => other === id).length]))
}

type About = Omit<RotationFault, 'code'>

const LETTERS: About = { where: 'outbox', id: 'letters' }

/** Notes a fault of one value, so that the run goes on. Throws when the storage itself fails. */
async function noting<T>(
  faults: Faults,
  about: About,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof MfaError) || error.code.startsWith('storage-')) throw error
    const place = JSON.stringify([about.where, about.id])
    if (faults.listed.has(place)) return undefined
    if (faults.listed.size < MOST_FAULTS) faults.listed.set(place, { ...about, code: error.code })
    else faults.areMore = true
    return undefined
  }
}
