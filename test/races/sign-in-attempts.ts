/** The attempts that each node of the sign-in races makes at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '../../src/adapters/crypto/index.ts'
import { openKeptChallenge } from '../../src/application/challenge-factor.ts'
import {
  changeFactors,
  type ChangeOutcome,
  type DirectChange,
} from '../../src/application/change-factors.ts'
import { settleEvents } from '../../src/application/commit.ts'
import type { EnrolOutcome } from '../../src/application/enrol-factor.ts'
import { findOwner } from '../../src/application/find-owner.ts'
import { freezeAccount } from '../../src/application/manage-accounts.ts'
import {
  cancelMailedRecovery,
  checkRecoveryCode,
  type RecoveryCodeOutcome,
} from '../../src/application/recover.ts'
import type { VerifyOutcome } from '../../src/application/verify-factor.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { Form } from '../../src/factors/factor.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { testClock } from '../../src/testing/runner.ts'
import { confirm, factorOf, verify, verifyKept } from '../application/person.ts'
import { load, placeOf, world, type World } from '../application/world.ts'
import { RACING } from './factors.ts'
import { GROUND } from './recovery-ground.ts'

type Outcome =
  | VerifyOutcome
  | EnrolOutcome
  | ChangeOutcome
  | RecoveryCodeOutcome
  | { outcome: 'locked' | 'cancelled' | 'nothing to cancel' }

export interface Attempt {
  readonly interaction: string
  readonly form: Form
  /** The change of factors that is made in place of the deed, with the proof that this interaction has. */
  readonly change?: DirectChange
  /** In place of the deed: the owner's lock, the mailed code that starts a recovery, or its cancellation. */
  readonly instead?: 'lock' | { readonly recoveryCode: string } | { readonly cancelSince: number }
  /** The factor that is confirmed replaces all others, after the wait of a recovery. */
  readonly recovering?: boolean
  /** The factor that is confirmed is added to others, with the proof that this interaction has. */
  readonly adding?: boolean
  /** The challenge that the interaction keeps, sealed. */
  readonly sealed?: string
}

export interface Order {
  /** `identify`: the account is not named, but found by the response. */
  readonly deed: 'verify' | 'confirm' | 'identify'
  readonly factor: string
  readonly accountId: string
  readonly epoch: number
  /** The server's time in seconds, which does not advance. */
  readonly now: number
  /** The time at which every process begins, in milliseconds since the Unix epoch. */
  readonly startAt: number
  readonly attempts: readonly Attempt[]
}

/** The number of attempts by outcome, and the look-up secrets that were shown. */
export interface Report {
  readonly outcomes: Readonly<Record<string, number>>
  readonly shown: readonly string[]
}

/** Makes every node try its attempts at once, and adds up the outcomes. */
export type Race = (
  order: Pick<Order, 'deed' | 'factor' | 'accountId'>,
  attempt: (number: number) => Partial<Attempt>,
) => Promise<Report>

export function sumOf(reports: readonly Report[]): Report {
  const outcomes: Record<string, number> = {}
  for (const report of reports)
    for (const [outcome, count] of Object.entries(report.outcomes))
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count
  return { outcomes, shown: [...new Set(reports.flatMap(({ shown }) => shown))] }
}

/** A node of its own makes the attempts of an order, all at once, when their time has come. */
export async function carryOut(storage: Storage, order: Order): Promise<Report> {
  const { deed, factor, accountId, epoch, now } = order
  // Each process needs real randomness: with the seeded source of the tests, all would make the same ids.
  const clock = { ...testClock(), now: () => now }
  const node = world({ storage, clock, random: systemRandom, listed: RACING })
  const attempt = async (asked: Attempt): Promise<Outcome> => {
    const { interaction, form, change, instead, recovering = false, adding = false, sealed } = asked
    const newTokenHash = `browser of ${interaction}`
    const place = placeOf({ accountId, interaction, epoch, newTokenHash })
    if (instead === 'lock') {
      await freezeAccount(node.deps, accountId)
      return { outcome: 'locked' }
    }
    if (instead !== undefined && 'cancelSince' in instead) {
      const about = { since: instead.cancelSince, detail: {} }
      const isCancelled = await cancelMailedRecovery(node.deps, accountId, about)
      return { outcome: isCancelled ? 'cancelled' : 'nothing to cancel' }
    }
    if (instead !== undefined)
      return checkRecoveryCode(node.deps, place, GROUND, instead.recoveryCode)
    if (change !== undefined)
      return changeFactors(node.deps, place, change, await load(node, accountId))
    switch (deed) {
      case 'verify':
        return verify(node, factor, form, place, sealed)
      case 'identify':
        return identify(node, factor, { ...asked, epoch })
      case 'confirm':
        return confirm(node, factor, form, place, '', {
          rule: adding ? 'refused' : 'allowed',
          recovering,
          adding,
          sealed,
        })
    }
  }
  while (Date.now() < order.startAt);
  const answers = await Promise.all(
    order.attempts.map((each) => untilExamined(() => attempt(each))),
  )
  await settleEvents(node.deps)
  const outcomes: Record<string, number> = {}
  const shown = new Set<string>()
  for (const answer of answers) {
    outcomes[answer.outcome] = (outcomes[answer.outcome] ?? 0) + 1
    if ('shown' in answer) answer.shown.forEach((code) => shown.add(code))
  }
  return { outcomes, shown: [...shown] }
}

/** Signs in with a response that names its owner, as the login page does. */
async function identify(
  node: World,
  id: string,
  { interaction, form, sealed = '', epoch }: Attempt & { readonly epoch: number },
): Promise<VerifyOutcome> {
  const factor = factorOf(node, id)
  const accountId = await findOwner(node.deps, factor, factor.parseResponse(form))
  if (accountId === undefined) throw new Error('The response names nobody')
  const kept = openKeptChallenge(node.deps, factor, { interaction }, sealed)
  return verifyKept(node, id, form, placeOf({ accountId, interaction, epoch }), kept)
}

/** Repeats an attempt until it is examined, as an attacker would: a refusal with 429 or 503 charges nothing. */
async function untilExamined<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof MfaError) || (error.status !== 429 && error.status !== 503))
        throw error
    }
    await sleep(1 + Math.random() * 5)
  }
}
