/**
 * This is one of the processes of rotation.test.ts, on the database file named in its first argument. At the barrier it
 * signs each person in with the code that the order gives, or seals each person's secrets again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { secretBox, systemRandom } from '../../src/adapters/crypto/index.ts'
import { openSqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { settleEvents } from '../../src/application/commit.ts'
import { resealSecrets } from '../../src/application/reseal.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { testClock } from '../../src/testing/runner.ts'
import { verify } from '../application/person.ts'
import { placeOf, world } from '../application/world.ts'

export interface RotationOrder {
  readonly deed: 'sign-in' | 'reseal'
  /** The encryption keys in Base64. The first one seals. */
  readonly keys: readonly string[]
  /** The server's time in seconds, which does not advance. */
  readonly now: number
  /** The time at which every process begins, in milliseconds since the Unix epoch. */
  readonly startAt: number
  readonly people: readonly {
    readonly accountId: string
    readonly epoch: number
    readonly code: string
  }[]
}

/** The outcome for each account. */
export type RotationReport = Readonly<Record<string, string>>

const storage = openSqliteStorage({ path: process.argv[2] ?? '' })

async function carryOut(order: RotationOrder): Promise<RotationReport> {
  const { deed, keys, now, startAt, people } = order
  const node = world({
    storage,
    clock: { ...testClock(), now: () => now },
    random: systemRandom,
    box: secretBox({ keys: keys.map((key) => Buffer.from(key, 'base64')) }),
  })
  const interaction = `of ${process.pid}`
  const signIn = async ({ accountId, epoch, code }: RotationOrder['people'][number]) => {
    const place = placeOf({ accountId, interaction, epoch, newTokenHash: interaction })
    return (await verify(node, 'totp', { code }, place)).outcome
  }
  const done: Record<string, string> = {}
  while (Date.now() < startAt);
  for (const person of people)
    done[person.accountId] =
      deed === 'sign-in'
        ? await untilExamined(() => signIn(person))
        : String(await untilExamined(() => resealSecrets(node.deps, person.accountId)))
  await settleEvents(node.deps)
  return done
}

/** Repeats an attempt that met a conflict or was refused without an examination, as a person would. */
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

process.on('message', (order: RotationOrder) => {
  carryOut(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ failed: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
