import { IMPORT_FIELDS } from '../../index.ts'
import { FACTOR_FIELDS } from '../boot/factors.ts'
import type { Output, Terminal } from '../cli/terminal.ts'
import { progress } from '../cli/progress.ts'
import type { ImportLine } from './lines.ts'
import { listed, MOST_LISTED } from './listed.ts'
import type { LineOutcome } from './people.ts'
import { PERSON_FIELDS } from './person.ts'
import { warningCounts, type Warned } from './warnings.ts'

/** The shape of a field name. In a malformed file a hash or a secret may be in its place (R31). */
const FIELD_NAME = /^[a-z][A-Za-z_]{0,39}$/

/** Remarks that add to the code of a fault. */
const REMARKS: Readonly<Record<string, string>> = { 'line-encoding': ' (not UTF-8)' }

/** The names of fields that an import reads. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...PERSON_FIELDS,
  ...IMPORT_FIELDS,
  ...FACTOR_FIELDS,
])

interface ReportOptions {
  readonly json: boolean
  readonly dryRun: boolean
  /** Counted by `line`: an export of another product has people, whose members stand on many lines. */
  readonly unit: 'line' | 'person'
}

interface BadLine {
  readonly line: number
  /** The last line of a record that is lost. */
  readonly to?: number
  readonly faults: readonly { readonly field: string; readonly code: string }[]
}

/** Counts the outcomes of lines, and prints progress and bad lines. Prints neither a name nor a secret (R31). */
export function importReport(terminal: Terminal, { json, dryRun, unit }: ReportOptions) {
  const counts = { lines: 0, imported: 0, unchanged: 0, bad: 0 }
  const warnings = warningCounts()
  const ignored = ignoredFields()
  const places = unit === 'line' ? 'lines' : 'people'

  const say: Say = (value, text) => terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
  const inWords = (): string =>
    `${counts.imported} ${dryRun ? 'to be imported' : 'imported'}, ` +
    `${counts.unchanged} unchanged, ${counts.bad} bad`
  const bad = badLines(say, unit, places)
  let tell: ((done: number) => void) | undefined

  /** Each kind of warning at its first line: 15,000 lines of one kind hide the others. The summary has the counts. */
  const tellNew = (done: Warned & { readonly line: number }): void => {
    const { line } = done
    const fresh = warnings.add(done, line)
    if (fresh.length === 0) return
    say(
      { line, warnings: fresh },
      `${unit} ${line} and perhaps others: warning: ${fresh.join(', ')}`,
    )
  }

  return {
    noticing: ignored.noticing,

    /** Call it when the import begins. Without `total` it is not known how many lines there will be. */
    begin(total?: number): void {
      const soFar = () => {
        const { lines: _, ...others } = counts
        return { json: others, text: inWords() }
      }
      const known = total === undefined ? {} : { total }
      tell = progress(terminal, { json, items: places, soFar, ...known })
    },

    add(done: LineOutcome): void {
      const { outcome } = done
      counts.lines += 1
      counts[outcome] += 1
      if (outcome === 'bad') bad.add(done)
      if (outcome === 'imported') tellNew(done)
      tell?.(counts.lines)
    },

    output: (): Output => ({
      json: {
        ...counts,
        ...warnings.json(),
        ...ignored.json(),
        dry_run: dryRun,
        ...bad.json(),
      },
      text: [
        `${counts.lines} read: ${inWords()}.`,
        ...bad.lines(),
        ...warnings.lines(places),
        ...ignored.lines(),
        '',
      ].join('\n'),
      ...(counts.bad > 0 ? { failed: true } : {}),
    }),
  }
}

type Say = (value: object, text: string) => void

/** Lists the first bad lines, tells each of them when it comes, and counts the faults of all. */
function badLines(say: Say, unit: ReportOptions['unit'], places: string) {
  const bad = listed<BadLine>(
    (line) => say(line, inWordsOf(line, unit)),
    () => say({ more_bad_lines: true }, `There are more bad ${places}. They are only counted.`),
  )
  const faults = new Map<string, number>()
  return {
    add({ line, to, faults: found }: BadLine): void {
      bad.add(to === undefined ? { line, faults: found } : { line, to, faults: found })
      for (const { code } of found) faults.set(code, (faults.get(code) ?? 0) + 1)
    },

    json: () => ({ faults: Object.fromEntries(faults), bad_lines: bad.entries }),

    lines(): readonly string[] {
      const counted = [...faults].map(([code, count]) => `  ${code}: ${count}`)
      return counted.length === 0 ? [] : [`Faults of bad ${places}:`, ...counted]
    },
  }
}

function inWordsOf({ line, to = line, faults }: BadLine, unit: string): string {
  const causes = faults.map(({ field, code }) => `${field} ${code}${REMARKS[code] ?? ''}`)
  return `${to === line ? `${unit} ${line}` : `lines ${line} to ${to}`}: ${causes.join(', ')}`
}

/** The names of fields that nobody reads: one of them may be misspelt. */
function ignoredFields() {
  const ignored = new Set<string>()
  const split = (): { fields: readonly string[]; others: number } => {
    const fields = [...ignored].filter((field) => FIELD_NAME.test(field)).sort()
    return { fields, others: ignored.size - fields.length }
  }

  return {
    /** Passes lines on and keeps the names of their fields. */
    async *noticing(lines: AsyncIterable<ImportLine>): AsyncGenerator<ImportLine> {
      for await (const line of lines) {
        if ('fields' in line && ignored.size < MOST_LISTED)
          for (const field of Object.keys(line.fields))
            if (!KNOWN_FIELDS.has(field)) ignored.add(field)
        yield line
      }
    },

    json() {
      const { fields, others } = split()
      return { ignored_fields: fields, ignored_others: others }
    },

    lines(): readonly string[] {
      const { fields, others } = split()
      const named = fields.length === 0 ? [] : [`Fields that are not known: ${fields.join(', ')}`]
      if (others === 0) return named
      return [...named, `Fields that are not known, and look like no name: ${others}`]
    },
  }
}
