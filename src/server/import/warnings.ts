import type { Instant } from '../../domain/time.ts'
import { moment } from '../cli/terminal.ts'

export interface Warned {
  readonly warnings: readonly string[]
  /** When the weak authenticators end. */
  readonly renewBy?: Instant
}

/** The first places of a kind of warning that a report names: with them an operator finds what the kind is about. */
const MOST_EXAMPLES = 3

interface Kind {
  count: number
  readonly examples: (string | number)[]
}

/** Counts the warnings of an import for its report, by kind, and keeps the first places of each. */
export function warningCounts() {
  const kinds = new Map<string, Kind>()
  let renewBy: Instant | undefined

  const count = (code: string, place: string | number): boolean => {
    const kind = kinds.get(code) ?? { count: 0, examples: [] }
    kinds.set(code, kind)
    kind.count += 1
    if (kind.examples.length < MOST_EXAMPLES) kind.examples.push(place)
    return kind.count === 1
  }

  return {
    /** Answers the warnings that nothing had before. `place`: the number of the line, or the id of the document. */
    add(warned: Warned, place: string | number): readonly string[] {
      renewBy = warned.renewBy ?? renewBy
      return warned.warnings.filter((code) => count(code, place))
    },

    json: () => ({
      warnings: Object.fromEntries([...kinds].map(([code, kind]) => [code, kind.count])),
      warning_examples: Object.fromEntries([...kinds].map(([code, kind]) => [code, kind.examples])),
      ...(renewBy === undefined ? {} : { renew_by: renewBy }),
    }),

    /** `places`: the name of the places, such as `lines`. */
    lines(places: string): readonly string[] {
      const counted = [...kinds].map(([code, { count: all, examples }]) => {
        const others = all > examples.length ? ', ...' : ''
        return `  ${code}: ${all} (${places} ${examples.join(', ')}${others})`
      })
      const lines = counted.length === 0 ? [] : ['Warnings:', ...counted]
      if (renewBy === undefined) return lines
      const end = `What is weak ends on ${moment(renewBy)}: ask its owners to set it up anew.`
      return [...lines, end]
    },
  }
}
