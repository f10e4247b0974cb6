/**
 * This is one of the processes of sign-in.test.ts: a node on the place named in its first argument. At the barrier it
 * makes all attempts of an order at once. Each reads the record and then tries the code, as a page does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '../../src/adapters/crypto/index.ts'
import {
  changeFactors,
  type ChangeOutcome,
  type DirectChange,
} from '../../src/application/change-factors.ts'
import { settleEvents } from '../../src/application/commit.ts'
import type { EnrolOutcome } from '../../src/application/enrol-factor.ts'
import { freezeAccount } from '../../src/application/manage-accounts.ts'
import {
  cancelMailedRecovery,
  checkRecoveryCode,
  type RecoveryCodeOutcome,
} from '../../src/application/recover.ts'
import type { VerifyOutcome } from '../../src/application/verify-factor.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { Form } from '../../src/factors/factor.ts'
import { testClock } from '../../src/testing/runner.ts'
import { confirm, verify } from '../application/person.ts'
import { load, placeOf, world } from '../application/world.ts'
import { openPlace } from './places.ts'
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
}

export interface Order {
  readonly deed: 'verify' | 'confirm'
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

const { storage } = await openPlace(process.argv[2] ?? '')

async function carryOut(order: Order): Promise<Report> {
  const { deed, factor, accountId, epoch, now } = order
  // Each process needs real randomness: with the seeded source of the tests, all would make the same ids.
  const node = world({ storage, clock: { ...testClock(), now: () => now }, random: systemRandom })
  const attempt = async (asked: Attempt): Promise<Outcome> => {
    const { interaction, form, change, instead, recovering = false } = asked
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
    return deed === 'verify'
      ? verify(node, factor, form, place)
      : confirm(node, factor, form, place, '', { rule: 'allowed', recovering })
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

process.on('message', (order: Order) => {
  carryOut(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ outcomes: { [String(error)]: 1 }, shown: [] }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })
