import type { Instant } from '../../domain/time.ts'
import type { Clock } from '../../ports/services.ts'
import type { Logger } from '../observe/log.ts'
import type { ServerMeasures } from '../observe/server-measures.ts'

/** Two clocks, read at the same moment. */
export interface ClockReading {
  /** The time of day, which somebody may set. */
  readonly wall: Instant
  /** The time since some fixed moment, in seconds, which nobody can set. */
  readonly steady: number
}

/** A difference that counts as a jump. A smaller one is rounding, or an adjustment by NTP that harms nothing. */
export const JUMP_SECONDS = 10

/**
 * The seconds by which the time of day was set between two readings: negative if it was set back. Undefined: it went on
 * like the steady clock.
 */
export function jumpBetween(before: ClockReading, after: ClockReading): number | undefined {
  const passed = after.steady - before.steady
  const jump = Math.round(after.wall - before.wall - passed)
  return Math.abs(jump) < JUMP_SECONDS ? undefined : jump
}

export interface ClockWatchServices {
  readonly clock: Clock
  /** The steady clock, in seconds. */
  readonly steady: () => number
  readonly log: Pick<Logger, 'warn'>
  readonly clockJumped: ServerMeasures['clockJumped']
}

/** Makes a function that looks at the clock when it is called, and tells of each jump once. */
export function clockWatch({ clock, steady, log, clockJumped }: ClockWatchServices): () => void {
  const read = (): ClockReading => ({ wall: clock.now(), steady: steady() })
  let last = read()
  return () => {
    const now = read()
    const jump = jumpBetween(last, now)
    last = now
    if (jump === undefined) return
    const direction = jump < 0 ? 'back' : 'forward'
    clockJumped(direction)
    log.warn({ direction, seconds: Math.abs(jump) }, 'the clock has jumped')
  }
}
