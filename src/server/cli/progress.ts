import { inTime, isDue, paceOf, withMark, type Mark } from './pace.ts'
import type { Terminal } from './terminal.ts'

export interface LongRun {
  readonly json: boolean
  /** The name of the items in the plural, such as `documents`. */
  readonly items: string
  /** How many items there are. Absent: that is not known before the end. */
  readonly total?: number
  /** The outcomes of the items so far, for a program and for a person. */
  readonly soFar?: () => { readonly json: object; readonly text: string }
}

/**
 * Tells on standard error how far a long run has come: items done and in total, the rate, and the time left. Call the
 * result with the number of items that are done, after each of them or after each batch.
 */
export function progress(terminal: Terminal, run: LongRun): (done: number) => void {
  const now = terminal.now ?? (() => performance.now())
  const onTerminal = terminal.isInteractive === true
  const total = run.total === undefined ? {} : { total: run.total }
  let told: Mark = { at: now(), done: 0 }
  let marks: readonly Mark[] = [told]
  return (done) => {
    const mark = { at: now(), done }
    marks = withMark(marks, mark)
    if (!isDue(told, mark, { onTerminal, ...total })) return
    told = mark
    terminal.err(run.json ? lineForProgram(run, marks) : lineForPerson(run, marks))
  }
}

function lineForProgram({ total, soFar }: LongRun, marks: readonly Mark[]): string {
  const { perSecond, secondsLeft } = paceOf(marks, total)
  const told = {
    done: marks.at(-1)?.done,
    ...(total === undefined ? {} : { total }),
    per_second: rounded(perSecond),
    ...(secondsLeft === undefined ? {} : { seconds_left: secondsLeft }),
    ...soFar?.().json,
  }
  return `${JSON.stringify({ progress: told })}\n`
}

function lineForPerson({ items, total, soFar }: LongRun, marks: readonly Mark[]): string {
  const { perSecond, secondsLeft } = paceOf(marks, total)
  const done = marks.at(-1)?.done
  const parts = [
    total === undefined ? `${done} ${items}` : `${done} of ${total} ${items}`,
    `${rounded(perSecond)} a second`,
    ...(secondsLeft === undefined ? [] : [`about ${inTime(secondsLeft)} left`]),
  ]
  const text = soFar?.().text
  return `${parts.join(', ')}${text === undefined ? '' : `: ${text}`}\n`
}

/** A rate with one decimal where it is small. */
function rounded(perSecond: number): number {
  return perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond)
}
