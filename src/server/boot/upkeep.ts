import { senderRounds, type SenderRounds } from '../notices/rounds.ts'
import { passWaitingEventsOn } from '../notices/waiting.ts'
import type { Logger } from '../observe/log.ts'
import { clockWatch } from '../upkeep/clock-watch.ts'
import { every } from '../upkeep/every.ts'
import { tellRecoveries } from '../upkeep/recoveries.ts'
import type { PolicyReload } from '../upkeep/policy-reload.ts'
import type { RenewedApp } from '../upkeep/renewal.ts'
import { isSchemaFault, type SchemaWatch } from '../upkeep/schema-watch.ts'
import { sweeper, type Sweeper } from '../upkeep/sweep.ts'
import type { Foundation } from './foundation.ts'
import { letterSenderOf, type PostPlace, type SenderParts } from './post.ts'
import type { Started } from './started.ts'

const SWEEP_MILLISECONDS = 60_000
/** Refusals that were counted and events that a crash has left are passed on within a minute. */
const EVENTS_MILLISECONDS = 60_000
/** A mail that was not sent is due again after 15 s at the earliest, and goes within 30 s. */
const SENDING_MILLISECONDS = 10_000
/** Notices of a recovery that are due by the time go out within a minute. */
const RECOVERIES_MILLISECONDS = 60_000
/** A jump of the clock is logged within half a minute. */
const CLOCK_MILLISECONDS = 30_000
/** A change of the policy in CONFIG_FILE is in force within 5 s. */
const POLICY_MILLISECONDS = 2000
/** How long a node may work before it notices what a command has changed: its keys, the schema, or a restore. */
const RENEWAL_MILLISECONDS = 60_000

export interface Upkeep {
  readonly foundation: Foundation
  readonly served: RenewedApp
  readonly rounds: SenderRounds
  readonly schema: SchemaWatch
  readonly policy: PolicyReload
  /**
   * The interval at which a node looks for changed keys, a changed schema, a restore and its clock. Default: one
   * minute, and half a minute for the clock.
   */
  readonly renewalMilliseconds?: number | undefined
  readonly log: Logger
}

/** Starts the repeated tasks; returns the functions that stop them. */
export async function startUpkeep(upkeep: Upkeep): Promise<Started> {
  const { foundation, served, rounds, schema, renewalMilliseconds, log } = upkeep
  const passOn = (): Promise<void> =>
    passWaitingEventsOn(foundation, served.app.mfa).catch((error: unknown) =>
      log.warn({ error }, 'events that waited were not passed on'),
    )
  void passOn()
  await lookAtRecoveries(upkeep)
  const sweeping = sweeper(foundation)
  /** A schema that this version does not know is not written to. */
  const everyWhileFit = (milliseconds: number, work: () => Promise<void>): (() => Promise<void>) =>
    every(milliseconds, async () => {
      if (schema.fits) await work()
    })
  return [
    everyWhileFit(SENDING_MILLISECONDS, async () => rounds.begin()),
    everyWhileFit(EVENTS_MILLISECONDS, async () => {
      await foundation.refusals
        .flush()
        .catch((error: unknown) => log.warn({ error }, 'refusals were not recorded'))
      await passOn()
    }),
    everyWhileFit(SWEEP_MILLISECONDS, () => sweepOnce(sweeping, log)),
    // Without the lease the other nodes wait until it is over. That is no reason to fail a stop.
    () =>
      sweeping
        .stop()
        .catch((error: unknown) => log.warn({ error }, 'the sweep was not handed over')),
    everyWhileFit(RECOVERIES_MILLISECONDS, () => lookAtRecoveries(upkeep)),
    every(POLICY_MILLISECONDS, () => lookAtPolicy(upkeep)),
    every(renewalMilliseconds ?? CLOCK_MILLISECONDS, clockWatchOf(upkeep)),
    every(renewalMilliseconds ?? RENEWAL_MILLISECONDS, () => renewOnce(upkeep)),
  ]
}

function clockWatchOf({ foundation, log }: Upkeep): () => Promise<void> {
  const { clock, serverMeasures } = foundation
  const steady = (): number => performance.now() / 1000
  const look = clockWatch({ clock, steady, log, clockJumped: serverMeasures.clockJumped })
  return async () => look()
}

/** Sends what waits in the outbox: at the start, when something is put there, and repeatedly. */
export function startSending(
  foundation: Foundation,
  served: RenewedApp,
  { post, tried }: Pick<PostPlace, 'post'> & Pick<SenderParts, 'tried'>,
  log: Logger,
): SenderRounds {
  const { mfa } = served.app
  const rounds = senderRounds(letterSenderOf(foundation, { post, mfa, log, tried }), log)
  foundation.letters.onPut(() => rounds.begin())
  rounds.begin()
  return rounds
}

/** A storage that is away is no reason to stop: the next minute sweeps again. */
async function sweepOnce(sweeping: Sweeper, log: Logger): Promise<void> {
  try {
    const rows = await sweeping.round()
    if (rows > 0) log.debug({ rows }, 'expired rows were deleted')
  } catch (error) {
    log.warn({ error }, 'not swept')
  }
}

/** The next minute looks again. The watch itself logs a schema that does not fit. */
async function renewOnce({ served, schema, log }: Upkeep): Promise<void> {
  try {
    await schema.look()
    await served.renew()
  } catch (error) {
    if (!isSchemaFault(error)) log.error({ error }, 'not looked at what commands have changed')
  }
}

/** The next round looks again. */
async function lookAtPolicy({ policy, log }: Upkeep): Promise<void> {
  await policy.look().catch((error: unknown) => log.error({ error }, 'the policy was not read'))
}

/** The next minute looks again. */
async function lookAtRecoveries({ foundation, served, log }: Upkeep): Promise<void> {
  const report = (error: unknown): void => log.warn({ error }, 'a recovery was not looked at')
  if (served.isRestoring) return
  await tellRecoveries(foundation.storage.settings, served.app.mfa, report).catch(report)
}
