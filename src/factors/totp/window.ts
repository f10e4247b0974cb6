import { timingSafeEqual } from 'node:crypto'
import { MINUTE_SECONDS, type Instant } from '../../domain/time.ts'

/** The count of periods since the Unix epoch (RFC 6238 4.2). */
export type TimeStep = number

/** The code of a step. Handed in, so that a test sees which steps were computed at all. */
export type CodeAt = (timeStep: TimeStep) => string

export interface Reach {
  readonly now: Instant
  readonly periodSeconds: number
  /** Steps on each side of the present one. */
  readonly window: number
}

/** The latest step that can be accepted. */
export function latestIn({ now, periodSeconds, window }: Reach): TimeStep {
  return timeStepOf(now, periodSeconds) + window
}

/** How late a code may be so that the person is still told that it was late. */
const HINT_SECONDS = 5 * MINUTE_SECONDS

/**
 * The newest step inside the window whose code this is. Steps later than the window are never computed: an answer
 * about them would tell a guesser which code is about to become valid (R6).
 */
export function findTimeStep(codeAt: CodeAt, code: string, reach: Reach): TimeStep | undefined {
  const present = timeStepOf(reach.now, reach.periodSeconds)
  return newestMatch(codeAt, code, present - reach.window, present + reach.window)
}

/**
 * For a code that was refused: by how many seconds the phone's clock seems to be behind, when the code was right within
 * the last five minutes and has not been used. Steps at or before `lastTimeStep` are not checked: the answer must not
 * show that a code was used before.
 */
export function findBehindSeconds(
  codeAt: CodeAt,
  code: string,
  reach: Reach & { readonly lastTimeStep: TimeStep },
): number | undefined {
  const present = timeStepOf(reach.now, reach.periodSeconds)
  const oldest = timeStepOf(reach.now - HINT_SECONDS, reach.periodSeconds)
  const timeStep = newestMatch(
    codeAt,
    code,
    Math.max(oldest, reach.lastTimeStep + 1),
    present - reach.window - 1,
  )
  return timeStep === undefined ? undefined : (present - timeStep) * reach.periodSeconds
}

function timeStepOf(at: Instant, periodSeconds: number): TimeStep {
  return Math.floor(at / periodSeconds)
}

/** Checks all steps, also after a match, so that the time taken does not show which one matched. */
function newestMatch(
  codeAt: CodeAt,
  code: string,
  from: TimeStep,
  to: TimeStep,
): TimeStep | undefined {
  const typed = Buffer.from(code)
  let found: TimeStep | undefined
  for (let timeStep = Math.max(0, from); timeStep <= to; timeStep += 1)
    if (timingSafeEqual(Buffer.from(codeAt(timeStep)), typed)) found = timeStep
  return found
}
