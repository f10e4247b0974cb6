import { IMPORT_FIELDS } from '../../index.ts'
import type { Output, Terminal } from '../cli/terminal.ts'
import type { ImportLine } from './lines.ts'
import type { LineOutcome } from './people.ts'
import { PERSON_FIELDS } from './person.ts'
import { warningCounts } from './warnings.ts'

const PROGRESS_MS = 1_000
/** Bad lines and unknown fields that the report lists; bad lines are also told of as they come. */
const MOST_LISTED = 1_000
/** What looks like the name of a field. In the wrong place anything may stand for one, a hash or a secret (R31). */
const FIELD_NAME = /^[a-z][A-Za-z_]{0,39}$/

/** What the code of a fault does not say. */
const REMARKS: Readonly<Record<string, string>> = { 'line-encoding': ' (not UTF-8)' }

/** The names of fields that an import reads. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([...PERSON_FIELDS, ...IMPORT_FIELDS])

interface ReportOptions {
  readonly json: boolean
  readonly dryRun: boolean
}

interface BadLine {
  readonly line: number
  /** The last line of a record that is lost. */
  readonly to?: number
  readonly faults: readonly { readonly field: string; readonly code: string }[]
}

/** Counts the outcomes of lines, and prints progress and bad lines. Prints neither a name nor a secret (R31). */
export function importReport(terminal: Terminal, { json, dryRun }: ReportOptions) {
  const counts = { lines: 0, imported: 0, unchanged: 0, bad: 0 }
  const warnings = warningCounts()
  const ignored = ignoredFields()
  const bad: BadLine[] = []
  let toldAt = performance.now()

  const say = (value: object, text: string): void =>
    terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
  const inWords = (): string =>
    `${counts.lines} read: ${counts.imported} ${dryRun ? 'to be imported' : 'imported'}, ` +
    `${counts.unchanged} unchanged, ${counts.bad} bad`

  return {
    noticing: ignored.noticing,

    add(done: LineOutcome): void {
      const { line, outcome } = done
      counts.lines += 1
      counts[outcome] += 1
      if (outcome === 'bad') {
        const { to, faults } = done
        const lost = to === undefined ? { line, faults } : { line, to, faults }
        if (bad.length < MOST_LISTED) bad.push(lost)
        const causes = faults.map(({ field, code }) => `${field} ${code}${REMARKS[code] ?? ''}`)
        const lines = to === undefined || to === line ? `line ${line}` : `lines ${line} to ${to}`
        say(lost, `${lines}: ${causes.join(', ')}`)
      }
      if (outcome === 'imported') {
        const { warnings: told } = done
        warnings.add(done)
        if (told.length > 0)
          say({ line, warnings: told }, `line ${line}: warning: ${told.join(', ')}`)
      }
      if (performance.now() - toldAt < PROGRESS_MS) return
      toldAt = performance.now()
      say({ progress: counts }, inWords())
    },

    output: (): Output => ({
      json: {
        ...counts,
        dry_run: dryRun,
        ...warnings.json(),
        ...ignored.json(),
        bad_lines: bad,
      },
      text: [`${inWords()}.`, ...warnings.lines(), ...ignored.lines(), ''].join('\n'),
      ...(counts.bad > 0 ? { failed: true } : {}),
    }),
  }
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
