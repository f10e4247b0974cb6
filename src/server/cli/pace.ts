/** How many items of a long run were done at a moment, in milliseconds of a monotonic clock. */
export interface Mark {
  readonly at: number
  readonly done: number
}

export interface Pace {
  /** 0: nothing was done between the marks. */
  readonly perSecond: number
  /** Absent: the total is not known, or nothing was done between the marks. */
  readonly secondsLeft?: number
}

/** The time over which the rate is measured: lines that a second run only skips are much faster than those after them. */
const WINDOW_MS = 60_000

/** A text that no terminal shows goes to a log: it is told of each further percent, and at least so often. */
const QUIET_MS = 60_000
const OFTEN_MS = 1_000

/** The rate between the first and the last mark, and the time that the rest takes at that rate. */
export function paceOf(marks: readonly Mark[], total?: number): Pace {
  const [first, last] = [marks[0], marks.at(-1)]
  const seconds = ((last?.at ?? 0) - (first?.at ?? 0)) / 1_000
  const done = (last?.done ?? 0) - (first?.done ?? 0)
  const perSecond = seconds > 0 ? done / seconds : 0
  if (total === undefined || perSecond === 0) return { perSecond }
  const left = Math.max(0, total - (last?.done ?? 0))
  return { perSecond, secondsLeft: Math.ceil(left / perSecond) }
}

/** The marks with a new one, without those that are older than the rate needs. At most one mark a second is kept. */
export function withMark(marks: readonly Mark[], mark: Mark): readonly Mark[] {
  const last = marks.at(-1)
  if (last !== undefined && mark.at - last.at < OFTEN_MS) return marks
  const all = [...marks, mark]
  // The newest mark that is as old as the window stays, so that the rate is over the whole window.
  const base = all.findLastIndex(({ at }) => mark.at - at >= WINDOW_MS)
  return all.slice(Math.max(base, 0))
}

/**
 * Whether progress is told again: on a terminal once a second; elsewhere for each further percent of the total, at most
 * once a second, and at least each minute.
 */
export function isDue(
  told: Mark,
  now: Mark,
  { onTerminal, total }: { readonly onTerminal: boolean; readonly total?: number },
): boolean {
  const passed = now.at - told.at
  if (passed < OFTEN_MS) return false
  if (onTerminal || passed >= QUIET_MS) return true
  if (total === undefined || total === 0) return false
  const percentOf = ({ done }: Mark): number => Math.floor((done / total) * 100)
  return percentOf(now) > percentOf(told)
}

/** A time in the largest unit of which it has two, as a person says it. */
export function inTime(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`
}
