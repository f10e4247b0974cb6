import { IMPORT_FIELDS } from '../../index.ts'
import type { Output, Terminal } from '../cli/terminal.ts'
import type { ImportLine } from './lines.ts'
import type { LineOutcome } from './people.ts'
import { PERSON_FIELDS } from './person.ts'
import { warningCounts, type Warned } from './warnings.ts'

const PROGRESS_MS = 1_000
/** The most bad lines and unknown fields that the report lists; bad lines are also printed when they come. */
const MOST_LISTED = 1_000
/** The shape of a field name. In a malformed file a hash or a secret may be in its place (R31). */
const FIELD_NAME = /^[a-z][A-Za-z_]{0,39}$/

/** Remarks that add to the code of a fault. */
const REMARKS: Readonly<Record<string, string>> = { 'line-encoding': ' (not UTF-8)' }

/** The names of fields that an import reads. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([...PERSON_FIELDS, ...IMPORT_FIELDS])

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
  const bad: BadLine[] = []
  const begunAt = performance.now()
  let toldAt = begunAt
  let expected = 0

  const say = (value: object, text: string): void =>
    terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
  const inWords = (): string =>
    `${counts.imported} ${dryRun ? 'to be imported' : 'imported'}, ` +
    `${counts.unchanged} unchanged, ${counts.bad} bad`

  const tellBad = ({ line, to, faults }: BadLine): void => {
    const lost = to === undefined ? { line, faults } : { line, to, faults }
    if (bad.length < MOST_LISTED) bad.push(lost)
    say(lost, inWordsOf(lost, unit))
  }
  /** Each kind of warning at its first line: 15,000 lines of one kind hide the others. The summary has the counts. */
  const tellNew = (done: Warned & { readonly line: number }): void => {
    const fresh = warnings.add(done)
    if (fresh.length === 0) return
    const { line } = done
    say(
      { line, warnings: fresh },
      `${unit} ${line} and perhaps others: warning: ${fresh.join(', ')}`,
    )
  }

  return {
    noticing: ignored.noticing,

    /** How many lines there will be. */
    expect(lines: number): void {
      expected = lines
    },

    add(done: LineOutcome): void {
      const { outcome } = done
      counts.lines += 1
      counts[outcome] += 1
      if (outcome === 'bad') tellBad(done)
      if (outcome === 'imported') tellNew(done)
      if (performance.now() - toldAt < PROGRESS_MS) return
      toldAt = performance.now()
      const secondsLeft = leftOf((toldAt - begunAt) / 1_000, counts.lines, expected)
      say(
        { progress: { ...counts, total: expected, seconds_left: secondsLeft } },
        `${counts.lines} of ${expected}, about ${inTime(secondsLeft)} left: ${inWords()}`,
      )
    },

    output: (): Output => ({
      json: { ...counts, ...warnings.json(), ...ignored.json(), dry_run: dryRun, bad_lines: bad },
      text: [
        `${counts.lines} read: ${inWords()}.`,
        ...warnings.lines(),
        ...ignored.lines(),
        '',
      ].join('\n'),
      ...(counts.bad > 0 ? { failed: true } : {}),
    }),
  }
}

function inWordsOf({ line, to = line, faults }: BadLine, unit: string): string {
  const causes = faults.map(({ field, code }) => `${field} ${code}${REMARKS[code] ?? ''}`)
  return `${to === line ? `${unit} ${line}` : `lines ${line} to ${to}`}: ${causes.join(', ')}`
}

/** Where the lines that are left take as long as those before. */
function leftOf(seconds: number, done: number, expected: number): number {
  return Math.max(0, Math.ceil((seconds / done) * (expected - done)))
}

/** A time in the largest unit of which it has two, as a person says it. */
function inTime(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
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
