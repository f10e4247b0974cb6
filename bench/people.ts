import {
  passwordHasher,
  secretBox,
  systemClock,
  systemRandom,
} from '../src/adapters/crypto/index.ts'
import { loadRecord } from '../src/application/commit.ts'
import type { Dependencies } from '../src/application/dependencies.ts'
import { beginFactor, confirmFactor, describePending } from '../src/application/enrol-factor.ts'
import type { Place } from '../src/application/verify-factor.ts'
import { SET_UP_SECONDS } from '../src/domain/enrolment.ts'
import { RECOVERY_DEFAULTS } from '../src/domain/recovery.ts'
import { importRules } from '../src/import/rules.ts'
import { backupCodes, totp, type Mfa } from '../src/index.ts'
import { NO_MEASURES } from '../src/ports/measures.ts'
import type { ServerStorage } from '../src/ports/server-storage.ts'
import type { Storage } from '../src/ports/storage.ts'
import { ownCode } from '../test/support/totp.ts'
import { makePasskey, type BenchPasskey } from './passkey.ts'

/** A person with an authenticator app, or with a passkey. */
export interface Person {
  readonly username: string
  /** Of the authenticator app. Empty: the person has none. */
  readonly secret: string
  readonly passkey?: BenchPasskey
}

/** How long ago the enrolment was confirmed: its time step is spent, and the sign-in needs a later one. */
const ENROLLED_AGO_SECONDS = 120

/**
 * Enrols people as the pages would, except that the ten backup codes of each person are hashed with the cheapest
 * parameters. Nobody uses one in the benchmark, and ten real hashes for each of a thousand people take minutes.
 */
export async function enrolPeople(
  storage: Storage,
  encryptionKey: Uint8Array,
  count: number,
): Promise<readonly Person[]> {
  const factor = totp()
  const clock = { now: () => systemClock.now() - ENROLLED_AGO_SECONDS }
  const deps: Dependencies = {
    storage,
    clock,
    random: systemRandom,
    box: secretBox({ keys: [encryptionKey] }),
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    mailer: undefined,
    setUpSeconds: SET_UP_SECONDS,
    recovery: RECOVERY_DEFAULTS,
    rules: importRules,
    measures: NO_MEASURES,
    factors: new Map([factor, backupCodes()].map((each) => [each.id, each])),
    publish: async () => undefined,
    report: () => undefined,
  }
  const people: Person[] = []
  for (let number = 0; number < count; number += 1) {
    const username = `person-${number}`
    const place: Place = {
      accountId: username,
      interaction: 'enrolment',
      epoch: 1,
      tokenHashes: [],
      newTokenHash: `browser of ${username}`,
      detail: {},
    }
    const rule = 'allowed'
    await beginFactor(deps, factor, place, { rule, locale: 'en', issuer: 'https://id.example.com' })
    const { record } = await loadRecord(deps, username)
    const about = { issuerName: 'Acme', label: username }
    const shown = await describePending(deps, factor, record, place.interaction, about)
    const { secret } = shown as { secret: string }
    const response = { code: ownCode({ secret }, clock.now()) }
    const { outcome } = await confirmFactor(deps, factor, place, response, { rule, name: 'Phone' })
    if (outcome !== 'enrolled') throw new Error(`${username} was not enrolled: ${outcome}`)
    people.push({ username, secret })
  }
  return people
}

/** Gives each person a passkey, as an import from another application does. */
export async function importPasskeys(mfa: Mfa, count: number): Promise<readonly Person[]> {
  const people: Person[] = []
  for (let number = 0; number < count; number += 1) {
    const username = `person-${number}`
    const { passkey, imported } = makePasskey()
    const { outcome } = await mfa.accounts.import(username, { passkeys: [imported] })
    if (outcome !== 'imported') throw new Error(`${username} was not imported: ${outcome}`)
    people.push({ username, secret: '', passkey })
  }
  return people
}

/** Adds people who have a second factor and do not sign in now: the MFA record, a session and a grant of each. */
export async function addCrowd(storage: ServerStorage, count: number): Promise<void> {
  const { record } = (await storage.records.load('person-0'))!
  const [sessions, grants] = [storage.hostRecords('Session'), storage.hostRecords('Grant')]
  for (let number = 0; number < count; number += 1) {
    const accountId = `one-of-the-crowd-${number}`
    await storage.records.save(accountId, { ...record, accountId }, 0, 'relaxed')
    const [uid, grantId] = [`session-${number}`, `grant-${number}`]
    const authorizations = { app: { sid: uid, grantId, persistsLogout: true } }
    await sessions.upsert(uid, { uid, accountId, authorizations, kind: 'Session' }, 86_400)
    await grants.upsert(grantId, { accountId, clientId: 'app', kind: 'Grant' }, 86_400)
  }
}
