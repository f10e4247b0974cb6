import type { Instant } from '../../domain/time.ts'
import { moment } from '../cli/terminal.ts'

export interface Warned {
  readonly warnings: readonly string[]
  /** When the weak authenticators end. */
  readonly renewBy?: Instant
}

/** Counts the warnings of an import for its report. */
export function warningCounts() {
  const warnings: { [code: string]: number } = {}
  let renewBy: Instant | undefined

  return {
    /** Answers the warnings that nothing had before. */
    add(warned: Warned): readonly string[] {
      const fresh = warned.warnings.filter((code) => warnings[code] === undefined)
      for (const code of warned.warnings) warnings[code] = (warnings[code] ?? 0) + 1
      renewBy = warned.renewBy ?? renewBy
      return fresh
    },

    json: () => ({ warnings, ...(renewBy === undefined ? {} : { renew_by: renewBy }) }),

    lines(): readonly string[] {
      const counted = Object.entries(warnings).map(([code, count]) => `  ${code}: ${count}`)
      const lines = counted.length === 0 ? [] : ['Warnings:', ...counted]
      if (renewBy === undefined) return lines
      const end = `What is weak ends on ${moment(renewBy)}: ask its owners to set it up anew.`
      return [...lines, end]
    },
  }
}
