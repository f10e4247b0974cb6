/**
 * One of the processes of sign-in.test.ts: a node of its own on the place named in its first argument. It
 * makes the attempts of an order all at once at the barrier, each as a page would: read the record, then try.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '../../src/adapters/crypto/index.ts'
import { settleEvents } from '../../src/application/commit.ts'
import type { EnrolOutcome } from '../../src/application/enrol-factor.ts'
import type { VerifyOutcome } from '../../src/application/verify-factor.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { Form } from '../../src/factors/factor.ts'
import { testClock } from '../../src/testing/runner.ts'
import { confirm, verify } from '../application/person.ts'
import { placeOf, world } from '../application/world.ts'
import { openPlace } from './places.ts'

export interface Attempt {
  readonly interaction: string
  readonly form: Form
}

export interface Order {
  readonly deed: 'verify' | 'confirm'
  readonly factor: string
  readonly accountId: string
  readonly epoch: number
  /** The server's time, in seconds; it stands still. */
  readonly now: number
  /** Milliseconds since the Unix epoch: every process begins then. */
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
  // Randomness of its own: with the seeded one every process would make the same ids.
  const node = world({ storage, clock: { ...testClock(), now: () => now }, random: systemRandom })
  const attempt = ({ interaction, form }: Attempt): Promise<VerifyOutcome | EnrolOutcome> => {
    const newTokenHash = `browser of ${interaction}`
    const place = placeOf({ accountId, interaction, epoch, newTokenHash })
    return deed === 'verify'
      ? verify(node, factor, form, place)
      : confirm(node, factor, form, place)
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
    if (answer.outcome === 'enrolled') answer.shown.forEach((code) => shown.add(code))
  }
  return { outcomes, shown: [...shown] }
}

/** A flood is refused with 429 and charges nothing, so an attacker tries again until the attempt is examined. */
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
