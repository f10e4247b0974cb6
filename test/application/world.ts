import { passwordHasher, secretBox } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { loadRecord, settleEvents, type Loaded } from '../../src/application/commit.ts'
import type { Dependencies } from '../../src/application/dependencies.ts'
import type { Place } from '../../src/application/place.ts'
import { formatRecord } from '../../src/application/record-format.ts'
import { SET_UP_SECONDS } from '../../src/domain/enrolment.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { MfaEvent } from '../../src/domain/events.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import { RECOVERY_DEFAULTS } from '../../src/domain/recovery.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { importedCodes } from '../../src/factors/imported-codes/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { importRules } from '../../src/import/rules.ts'
import { NO_MEASURES } from '../../src/ports/measures.ts'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import type { Delivery } from '../../src/ports/services.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { testClock, type TestClock } from '../../src/testing/runner.ts'
import { seededRandom } from '../factors/seeded-random.ts'

/** The dependencies of the application, and the events and mails that it made. */
export interface World {
  readonly deps: Dependencies
  readonly clock: TestClock
  readonly storage: Storage
  /** The events that the listeners have got, in order. */
  readonly heard: MfaEvent[]
  /** The mails that were sent. */
  readonly mails: Delivery[]
}

export const KEY = Buffer.alloc(32, 7)
let worlds = 0

/** A node of its own on this storage; `changes` take the place of its parts. */
export function world(
  changes: Partial<Dependencies> & {
    readonly records?: MfaRecords
    readonly listed?: readonly AnyFactor[]
    readonly key?: Uint8Array
    readonly clock?: TestClock
  } = {},
): World {
  const {
    records,
    listed = [totp(), backupCodes(), importedCodes()],
    key = KEY,
    ...parts
  } = changes
  const clock = changes.clock ?? testClock()
  const storage: Storage = {
    ...(changes.storage ?? memoryStorage({ clock })),
    ...(records === undefined ? {} : { records }),
  }
  const heard: MfaEvent[] = []
  const mails: Delivery[] = []
  worlds += 1
  const deps: Dependencies = {
    random: seededRandom(`world ${worlds}`),
    box: secretBox({ keys: [key] }),
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    mailer: { send: async (delivery) => void mails.push(delivery) },
    rules: importRules,
    measures: NO_MEASURES,
    setUpSeconds: SET_UP_SECONDS,
    recovery: RECOVERY_DEFAULTS,
    factors: new Map(listed.map((factor) => [factor.id, factor])),
    publish: async (events) => void heard.push(...events),
    report: () => undefined,
    ...parts,
    clock,
    storage,
  }
  return { deps, clock, storage, heard, mails }
}

/** Another node of the same deployment: it shares the storage, the clock and the keys. */
export function nodeBeside({ storage, clock }: World, changes: Parameters<typeof world>[0] = {}) {
  return world({ storage, clock, ...changes })
}

export function placeOf(changes: Partial<Place> = {}): Place {
  return {
    accountId: 'mira',
    interaction: 'interaction-1',
    epoch: 1,
    tokenHashes: [],
    newTokenHash: 'new-browser',
    detail: { clientId: 'app', ip: '192.0.2.7', userAgent: 'Browser/1' },
    ...changes,
  }
}

export function load({ deps }: World, accountId = 'mira'): Promise<Loaded> {
  return loadRecord(deps, accountId)
}

/** The record after all events were passed on. */
export async function settledRecord(of: World, accountId = 'mira'): Promise<MfaRecord> {
  await settleEvents(of.deps)
  return (await load(of, accountId)).record
}

/** The events of these types, or all events, that the listeners have got. */
export async function heardOf(of: World, ...types: string[]): Promise<MfaEvent[]> {
  await settleEvents(of.deps)
  return of.heard.filter(({ type }) => types.length === 0 || types.includes(type))
}

/** Runs `act` before the nth save (from 1), as another node could between a load and a save. */
export function interrupted(records: MfaRecords, act: (nth: number) => unknown): MfaRecords {
  let nth = 0
  return {
    ...records,
    async save(accountId, record, version) {
      nth += 1
      await act(nth)
      return records.save(accountId, record, version)
    },
  }
}

/** Stores the unchanged record again, so that a caller that has loaded it before loses its save. */
export async function touch(records: MfaRecords, accountId = 'mira'): Promise<void> {
  const stored = await records.load(accountId)
  const record = stored?.record ?? formatRecord(newRecord(accountId))
  await records.save(accountId, record, stored?.version ?? 0)
}

/** The code of the MfaError that this rejects with; anything else is thrown on. */
export async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    const answer = await attempt
    throw new Error(`It was answered: ${JSON.stringify(answer)}`)
  } catch (error) {
    if (error instanceof MfaError) return error.code
    throw error
  }
}
