import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MeterProvider, ObservableGauge } from '@opentelemetry/api'
import { optionsOf } from '../../observe/instruments.ts'
import { meterOf } from '../../observe/measures.ts'
import { SERVER_INSTRUMENTS } from './instruments.ts'

export type MailOutcome = 'sent' | 'postponed' | 'given-up'

/** Takes what only the complete server counts. It never throws. */
export interface ServerMeasures {
  mailTried(outcome: MailOutcome): void
  /** The time of day was set. */
  clockJumped(direction: 'back' | 'forward'): void
  /** A sweep has deleted rows; `isLeft`: there may be more. */
  swept(rows: number, isLeft: boolean): void
  /** Another node sweeps, and its measure says how long rows have been left. The age here begins anew. */
  sweptElsewhere(): void
  /** The number of live nodes, and the settings in which this node differs from one that started earlier. */
  nodesSeen(nodes: number, differing: ReadonlySet<string>): void
  /**
   * Reads the number of waiting mails, and the delay of the event loop, until the function that it returns is called. A
   * reading waits for the mails until `patience` resolves; default: a second.
   */
  watch(mails: () => Promise<number>, patience?: () => Promise<unknown>): () => void
}

const NOTHING: ServerMeasures = {
  mailTried: () => undefined,
  clockJumped: () => undefined,
  swept: () => undefined,
  sweptElsewhere: () => undefined,
  nodesSeen: () => undefined,
  watch: () => () => undefined,
}

const NANOSECONDS = 1e9
/** How often the event loop is sampled: often enough for a hash that blocks it, seldom enough to cost nothing. */
const SAMPLED_MILLISECONDS = 20

type Name = keyof typeof SERVER_INSTRUMENTS

/** `meterProvider`: see `measuresOf`. */
export function serverMeasuresOf(meterProvider: MeterProvider | undefined): ServerMeasures {
  const meter = meterOf(meterProvider)
  if (meter === undefined) return NOTHING
  const counter = (name: Name) => meter.createCounter(name, optionsOf(SERVER_INSTRUMENTS[name]))
  const gauge = (name: Name) =>
    meter.createObservableGauge(name, optionsOf(SERVER_INSTRUMENTS[name]))
  const mails = counter('oidc_mfa.mail.attempts')
  const jumps = counter('oidc_mfa.clock.jumps')
  const rows = counter('oidc_mfa.sweep.rows')
  const queue = gauge('oidc_mfa.mail.queue')
  const isKnown = gauge('oidc_mfa.mail.queue_known')
  const backlog = gauge('oidc_mfa.sweep.backlog_age')
  const mean = gauge('nodejs.eventloop.delay.mean')
  const p99 = gauge('nodejs.eventloop.delay.p99')
  const max = gauge('nodejs.eventloop.delay.max')
  // The clock of the process: a jump of the time of day must not look like a backlog.
  // It begins at the start, so that it grows on a node on which no sweep ever succeeds.
  let cleanAt = performance.now()
  backlog.addCallback((result) => result.observe((performance.now() - cleanAt) / 1000))
  const nodesSeen = nodesSeenBy(gauge('oidc_mfa.cluster.nodes'), gauge('oidc_mfa.cluster.drift'))
  return {
    nodesSeen,
    mailTried: (outcome) => mails.add(1, { outcome }),
    clockJumped: (direction) => jumps.add(1, { direction }),
    swept(deleted, isLeft) {
      rows.add(deleted)
      if (!isLeft) cleanAt = performance.now()
    },
    sweptElsewhere() {
      cleanAt = performance.now()
    },
    watch(waiting, patience = aSecond) {
      const delay = monitorEventLoopDelay({ resolution: SAMPLED_MILLISECONDS })
      delay.enable()
      const read: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
        result.observe(mean, secondsOf(delay.mean))
        result.observe(p99, secondsOf(delay.percentile(99)))
        result.observe(max, secondsOf(delay.max))
        delay.reset()
      }
      const inTime = patientReader(waiting, patience)
      // While the storage is away or hangs, the other series are shown all the same. The SDK repeats the last number.
      const count: typeof read = async (result) => {
        const number = await inTime()
        result.observe(isKnown, number === undefined ? 0 : 1)
        if (number !== undefined) result.observe(queue, number)
      }
      const loop = [mean, p99, max]
      const stored = [queue, isKnown]
      meter.addBatchObservableCallback(read, loop)
      meter.addBatchObservableCallback(count, stored)
      return () => {
        meter.removeBatchObservableCallback(read, loop)
        meter.removeBatchObservableCallback(count, stored)
        delay.disable()
      }
    },
  }
}

const aSecond = (): Promise<void> => sleep(1000, undefined, { ref: false })

/**
 * Makes a reading that answers undefined where `read` rejects, or is not done when `patience` is over. Readings that come
 * while one is in progress share it and its patience, so a storage that hangs gets one call.
 */
function patientReader<T>(
  read: () => Promise<T>,
  patience: () => Promise<unknown>,
): () => Promise<T | undefined> {
  let current: Promise<T | undefined> | undefined
  return () => {
    if (current !== undefined) return current
    const done = read().catch(() => undefined)
    current = Promise.race([done, patience().then(() => undefined)])
    void done.then(() => {
      current = undefined
    })
    return current
  }
}

/** A series of a setting that was seen to differ goes back to 0: without a value the SDK would repeat the last one. */
function nodesSeenBy(nodes: ObservableGauge, drift: ObservableGauge): ServerMeasures['nodesSeen'] {
  let live: number | undefined
  const differing = new Map<string, 0 | 1>()
  nodes.addCallback((result) => {
    if (live !== undefined) result.observe(live)
  })
  drift.addCallback((result) => {
    for (const [setting, value] of differing) result.observe(value, { setting })
  })
  return (count, settings) => {
    live = count
    for (const setting of differing.keys()) differing.set(setting, 0)
    for (const setting of settings) differing.set(setting, 1)
  }
}

/** An empty histogram has no mean. */
function secondsOf(nanoseconds: number): number {
  return Number.isNaN(nanoseconds) ? 0 : nanoseconds / NANOSECONDS
}
