import { createHash } from 'node:crypto'
import { secretBox } from '../../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { loadRecord, settleEvents } from '../../../src/application/commit.ts'
import type { Dependencies } from '../../../src/application/dependencies.ts'
import { passwordChanged, readDoors, readEpoch } from '../../../src/application/manage-accounts.ts'
import { tellRecovery } from '../../../src/application/recover.ts'
import { SET_UP_SECONDS } from '../../../src/domain/enrolment.ts'
import type { MfaRecord } from '../../../src/domain/mfa-record.ts'
import { RECOVERY_DEFAULTS, recoveryDueAt } from '../../../src/domain/recovery.ts'
import { backupCodes } from '../../../src/factors/backup-codes/index.ts'
import type { AnyFactor } from '../../../src/factors/factor.ts'
import { totp } from '../../../src/factors/totp/index.ts'
import { importRules } from '../../../src/import/rules.ts'
import type { Mfa, MfaEvent } from '../../../src/index.ts'
import { firstSignInAt, noticeOf } from '../../../src/plugin/notices.ts'
import type { Account } from '../../../src/ports/accounts.ts'
import { NO_MEASURES } from '../../../src/ports/measures.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import type { PasswordHasher } from '../../../src/ports/services.ts'
import { addedAddresses } from '../../../src/server/accounts/added-addresses.ts'
import { emailChanges } from '../../../src/server/accounts/change-email.ts'
import { passwordChanges } from '../../../src/server/accounts/change-password.ts'
import { forgottenPassword } from '../../../src/server/accounts/forgotten-password.ts'
import { addPerson, voidSetUpLinks } from '../../../src/server/accounts/people.ts'
import { resetLinks } from '../../../src/server/accounts/reset-link.ts'
import { accountEvents } from '../../../src/server/notices/account-events.ts'
import { letters } from '../../../src/server/notices/letters.ts'
import { passEventsOn } from '../../../src/server/notices/notices.ts'
import { recorder, refusals } from '../../../src/server/observe/audit.ts'
import { testClock } from '../../../src/testing/runner.ts'
import { seededRandom } from '../../factors/seeded-random.ts'

/** A hash that costs nothing: a walk makes some hundreds of them. */
const QUICK: PasswordHasher = {
  hash: async (secret) => `quick:${createHash('sha256').update(secret).digest('base64url')}`,
  verify: async (phc, secret) => phc === (await QUICK.hash(secret)),
  needsRehash: () => false,
}

const FACTORS: readonly AnyFactor[] = [totp(), backupCodes()]

export interface Mail {
  readonly at: number
  readonly template: string
  readonly values: Readonly<Record<string, string>>
}

export const SENDER = { ip: '192.0.2.7', userAgent: 'Browser/1', locale: 'en' } as const

/** The server without its pages: one account in a storage in memory, and the mailboxes. */
export interface House extends ReturnType<typeof servicesOf> {
  readonly id: string
  readonly deps: Dependencies
  readonly storage: ServerStorage
  now(): number
  /** Passes on what waits, and delivers the mails. */
  settle(): Promise<void>
  record(): Promise<MfaRecord>
  account(): Promise<Account>
  epoch(): Promise<number>
  isPassword(password: string): Promise<boolean>
  readMail(address: string): readonly Mail[]
  /** Moves the clock, and tells the notices of a recovery that fall due on the way, as the upkeep of each minute does. */
  advance(seconds: number): Promise<void>
}

export async function openHouse(
  seed: string,
  person: { readonly added: readonly string[] },
): Promise<House> {
  const clock = testClock()
  const storage = memoryStorage({ clock })
  const random = seededRandom(seed)
  const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
  const mailboxes = new Map<string, Mail[]>()
  const arrive = (to: string, mail: Omit<Mail, 'at'>): void => {
    mailboxes.set(to, [...(mailboxes.get(to) ?? []), { at: clock.now(), ...mail }])
  }
  const listeners: ((event: MfaEvent) => unknown)[] = []
  const deps: Dependencies = {
    storage,
    clock,
    random,
    box,
    hasher: QUICK,
    mailer: { send: async ({ to, template, values }) => arrive(to, { template, values }) },
    factors: new Map(FACTORS.map((factor) => [factor.id, factor])),
    setUpSeconds: SET_UP_SECONDS,
    recovery: RECOVERY_DEFAULTS,
    rules: importRules,
    measures: NO_MEASURES,
    publish: async (events) => {
      for (const event of events as readonly MfaEvent[])
        for (const listener of listeners) await listener(event)
    },
    report: (error) => {
      throw error
    },
  }
  const waiting = letters({ storage, box, clock })
  const { accounts, audit } = storage
  const told = accountEvents({ accounts, audit, letters: waiting, clock })
  const mfa = {
    on: (_type: string, listener: (event: MfaEvent) => unknown) => void listeners.push(listener),
    noticeOf: (event: MfaEvent) => noticeOf(event, () => firstSignInAt(deps, event.accountId)),
  } as unknown as Pick<Mfa, 'on' | 'noticeOf'>
  passEventsOn({ mfa, audit, accounts, letters: waiting })
  mfa.on('account-locked-by-owner', ({ accountId }) => voidSetUpLinks(accounts, accountId))

  const added = await addPerson(
    { accounts, clock, random },
    {
      username: 'alice',
      email: 'alice@one.example',
      addresses: person.added,
      passwordHash: await QUICK.hash('the password of the owner'),
    },
  )
  if (!added.ok) throw new Error(added.fault)
  const { id } = added.account
  const settle = async (): Promise<void> => {
    await settleEvents(deps)
    await told.settled()
    for (;;) {
      const row = await storage.outbox.claim(clock.now(), clock.now() + 60)
      if (row === undefined) return
      const { to, template, values } = waiting.open(row)
      arrive(to, { template, values })
      await storage.outbox.finish(row, clock.now() + 86_400)
    }
  }
  const record = async (): Promise<MfaRecord> => (await loadRecord(deps, id)).record
  const account = async (): Promise<Account> => (await accounts.byId(id))!.account
  return {
    ...servicesOf({ deps, storage, waiting, told }),
    id,
    deps,
    storage,
    settle,
    record,
    account,
    now: () => clock.now(),
    readMail: (address) => mailboxes.get(address) ?? [],
    epoch: () => readEpoch(deps, id),
    isPassword: async (password) => QUICK.verify((await account()).passwordHash ?? '', password),
    async advance(seconds) {
      const until = clock.now() + seconds
      for (let next = clock.now(); next < until;) {
        next = Math.min(until, Math.max(recoveryDueAt(await record()) ?? until, next))
        clock.advance(next - clock.now())
        await tellRecovery(deps, id)
        await settle()
      }
    },
  }
}

/** The server's own services of the account, wired as the server does it. */
function servicesOf({
  deps,
  storage,
  waiting,
  told,
}: {
  readonly deps: Dependencies
  readonly storage: ServerStorage
  readonly waiting: ReturnType<typeof letters>
  readonly told: ReturnType<typeof accountEvents>
}) {
  const { clock, random, box } = deps
  const { accounts, audit, counters, oneTime } = storage
  const epochOf = (accountId: string): Promise<number> => readEpoch(deps, accountId)
  const shared = { accounts, oneTime, counters, clock, random, change: told.change, epochOf }
  const words = { serviceName: 'Acme', minimumLength: 8, issuer: 'https://id.example' }
  const trail = { trail: audit, clock, random, measures: NO_MEASURES }
  const hashing = { hasher: QUICK, passwords: QUICK }
  const links = resetLinks({
    ...shared,
    ...words,
    ...hashing,
    passwordChanged: (accountId, how) => passwordChanged(deps, accountId, how),
  })
  return {
    letters: waiting,
    reset: forgottenPassword({
      ...shared,
      links,
      letters: waiting,
      record: recorder(trail),
      refusals: refusals(trail),
      isOpen: async (accountId) => (await readDoors(deps, accountId))['mailed-reset'].open,
    }),
    changePassword: passwordChanges({
      ...shared,
      ...words,
      ...hashing,
      passwordChanged: (accountId) => passwordChanged(deps, accountId),
    }),
    email: emailChanges({ ...shared, ...words }),
    addresses: addedAddresses({ ...shared, macs: box }),
  }
}
