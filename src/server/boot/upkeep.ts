import { senderRounds, type SenderRounds } from '../notices/rounds.ts'
import { passWaitingEventsOn } from '../notices/waiting.ts'
import type { Logger } from '../observe/log.ts'
import { every } from '../upkeep/every.ts'
import { tellRecoveries } from '../upkeep/recoveries.ts'
import type { RenewedApp } from '../upkeep/renewal.ts'
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
/** How long a node may work before it notices what a command has changed: its keys, or a restore that has begun. */
const RENEWAL_MILLISECONDS = 60_000

export interface Upkeep {
  readonly foundation: Foundation
  readonly served: RenewedApp
  readonly rounds: SenderRounds
  /** The interval at which a node looks for changed keys and for a restore. Default: one minute. */
  readonly renewalMilliseconds?: number | undefined
  readonly log: Logger
}

/** Starts the repeated tasks; returns the functions that stop them. */
export async function startUpkeep(upkeep: Upkeep): Promise<Started> {
  const { foundation, served, rounds, renewalMilliseconds, log } = upkeep
  const passOn = (): Promise<void> =>
    passWaitingEventsOn(foundation, served.app.mfa).catch((error: unknown) =>
      log.warn({ error }, 'events that waited were not passed on'),
    )
  void passOn()
  await lookAtRecoveries(upkeep)
  const sweeping = sweeper(foundation)
  return [
    every(SENDING_MILLISECONDS, async () => rounds.begin()),
    every(EVENTS_MILLISECONDS, async () => {
      await foundation.refusals
        .flush()
        .catch((error: unknown) => log.warn({ error }, 'refusals were not recorded'))
      await passOn()
    }),
    every(SWEEP_MILLISECONDS, () => sweepOnce(sweeping, log)),
    // Without the lease the other nodes wait until it is over. That is no reason to fail a stop.
    () =>
      sweeping
        .stop()
        .catch((error: unknown) => log.warn({ error }, 'the sweep was not handed over')),
    every(RECOVERIES_MILLISECONDS, () => lookAtRecoveries(upkeep)),
    every(renewalMilliseconds ?? RENEWAL_MILLISECONDS, async () => {
      await served
        .renew()
        .catch((error: unknown) => log.error({ error }, 'not looked at what commands have changed'))
    }),
  ]
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

/** The next minute looks again. */
async function lookAtRecoveries({ foundation, served, log }: Upkeep): Promise<void> {
  const report = (error: unknown): void => log.warn({ error }, 'a recovery was not looked at')
  if (served.isRestoring) return
  await tellRecoveries(foundation.storage.settings, served.app.mfa, report).catch(report)
}
