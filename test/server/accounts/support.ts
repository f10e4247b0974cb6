import { createHash, randomBytes } from 'node:crypto'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { NO_MEASURES } from '../../../src/ports/measures.ts'
import type { Clock, PasswordHasher, Random } from '../../../src/ports/services.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import {
  recorder,
  refusals,
  type Record,
  type Refusals,
} from '../../../src/server/observe/audit.ts'
import { accountEvents, type AccountEvents } from '../../../src/server/notices/account-events.ts'
import { letters, type Letters } from '../../../src/server/notices/letters.ts'
import type { PasswordLimits, SignInServices } from '../../../src/server/accounts/sign-in.ts'

export interface FakeHasher extends PasswordHasher {
  /** The arguments of each verification in order: `[hash, secret]`. */
  readonly verified: [string, string][]
  /** The parties of the verifications. */
  readonly parties: (string | undefined)[]
  generation: number
}

/** A quick hasher that records its verifications. Its hashes begin with `g<generation>$`. */
export function fakeHasher(): FakeHasher {
  const hashOf = (secret: string, generation: number): string =>
    `g${generation}$${createHash('sha256').update(secret).digest('hex')}`
  return {
    verified: [],
    parties: [],
    generation: 1,
    async hash(secret) {
      return hashOf(secret, this.generation)
    },
    async verify(phc, secret, place) {
      this.parties.push(place?.party)
      this.verified.push([phc, secret])
      return phc === hashOf(secret, Number(/^g(\d+)/.exec(phc)?.[1]))
    },
    needsRehash(phc) {
      return !phc.startsWith(`g${this.generation}$`)
    },
  }
}

export const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

export interface World {
  readonly storage: ServerStorage
  readonly hasher: FakeHasher
  readonly clock: Clock & { time: number }
  readonly record: Record
  readonly refusals: Refusals
  readonly letters: Letters
  readonly accountEvents: AccountEvents
  readonly services: SignInServices
}

export const LIMITS: PasswordLimits = {
  failuresPerName: 100,
  failuresPerAddress: 100,
  addressWindowSeconds: 600,
}

export function world(limits: Partial<PasswordLimits> = {}): World {
  const clock = { time: 1_700_000_000, now: () => clock.time }
  const storage = memoryStorage({ clock })
  const hasher = fakeHasher()
  const trail = { trail: storage.audit, clock, random, measures: NO_MEASURES }
  const record = recorder(trail)
  const refused = refusals(trail)
  const { accounts, counters, audit } = storage
  const box = secretBox({ keys: [random.bytes(32)] })
  const waiting = letters({ storage, box, clock })
  return {
    storage,
    hasher,
    clock,
    record,
    refusals: refused,
    letters: waiting,
    accountEvents: accountEvents({ accounts, audit, letters: waiting, clock }),
    services: {
      accounts,
      counters,
      hasher,
      clock,
      record,
      refusals: refused,
      epochOf: async () => 1,
      limits: { ...LIMITS, ...limits },
    },
  }
}
