import { access } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { IMPORT_FIELDS, type FieldsToImport } from '../../index.ts'
import { importPeople, type LineOutcome } from './people.ts'
import {
  formatOf,
  IMPORT_FORMATS,
  readImport,
  type ImportFormat,
  type ImportLine,
} from './lines.ts'
import { PERSON_FIELDS } from './person.ts'
import { withSession } from '../cli/session.ts'
import { answer, command, moment, Refusal, type Options, type Terminal } from '../cli/terminal.ts'

const PROGRESS_MS = 1_000
/** Bad lines that the summary lists; all of them are told of as they come. */
const MOST_LISTED = 1_000
/** What looks like the name of a field. In the wrong place anything may stand for one, a hash or a secret (R31). */
const FIELD_NAME = /^[a-z][A-Za-z_]{0,39}$/

/** `user import`: people of another application, with their passwords and second factors. */
export function addUserImportCommand(user: Command, terminal: Terminal): void {
  const made = command(user, 'import', 'add the people of a file, with their second factors')
    .argument('<file>', 'JSON lines, or CSV with a header')
    .addOption(
      new Option('--format <name>', 'of a file whose name does not say').choices(IMPORT_FORMATS),
    )
    .option('--dry-run', 'say what would come of it, and change nothing')
    .option('--emails-unverified', 'addresses are not verified unless a line says so')
    .option('--secret-encoding <name>', 'base32, hex or ascii; of secrets that do not say')
    .option(
      '--backup-code-form <form>',
      'what hashed codes were before: upper,compact and the like',
    )
  answer(terminal, made, async ([file = ''], options) => {
    const format = (options['format'] as ImportFormat | undefined) ?? formatOf(file)
    if (format === undefined)
      throw new Refusal('format', 'Say --format jsonl or --format csv: the name does not.')
    await access(file).catch(() => {
      throw new Refusal('file-unreadable', `${file} cannot be read.`)
    })
    return withSession(terminal, async ({ foundation, mfa }) => {
      const dryRun = options['dryRun'] === true
      const { storage, hashKinds, hasher, clock, random, record, settings } = foundation
      const sums = summary(terminal, options['json'] === true, dryRun)
      const services = {
        ...{ accounts: storage.accounts, mfa, hashKinds, todaysKind: hasher.kind },
        ...{ clock, random, record },
      }
      const lines = sums.noticing(readImport(file, format, checkHeader))
      for await (const outcome of importPeople(services, lines, {
        dryRun,
        emailsVerified: options['emailsUnverified'] !== true,
        defaults: defaultsOf(options),
        // No more than are hashed at once: the queue behind them may be as short as nothing.
        atOnce: settings.passwords.hashingAtOnce,
      }))
        sums.add(outcome)
      return sums.output()
    })
  })
}

function defaultsOf({ secretEncoding, backupCodeForm }: Options): FieldsToImport {
  return {
    ...(secretEncoding === undefined ? {} : { secretEncoding }),
    ...(backupCodeForm === undefined ? {} : { backupCodeForm }),
  }
}

/**
 * Throws Refusal `header` before the first person. Without a header theirs would be taken for the names of fields, and
 * told of as such; of two columns of one name the second, empty, would take away what the first has.
 */
function checkHeader(columns: readonly string[]): void {
  if (!columns.some((name) => PERSON_FIELDS.includes(name)))
    throw new Refusal(
      'header',
      'The first line names no field that says who it is: a CSV file begins with the names of its columns.',
    )
  const twice = columns.find((name, at) => KNOWN.has(name) && columns.indexOf(name) !== at)
  if (twice !== undefined)
    throw new Refusal('header', `Two columns are called ${twice}: leave one of them out.`)
}

interface Told {
  readonly line: number
  readonly faults: readonly { readonly field: string; readonly code: string }[]
}

/** Counts what becomes of the lines, and tells of it on the way. Neither a name nor a secret is said (R31). */
function summary(terminal: Terminal, json: boolean, dryRun: boolean) {
  const counts = { lines: 0, imported: 0, unchanged: 0, bad: 0 }
  const warnings: { [code: string]: number } = {}
  const ignored = new Set<string>()
  const bad: Told[] = []
  let renewBy: number | undefined
  let toldAt = performance.now()

  const say = (value: object, text: string): void =>
    terminal.err(json ? `${JSON.stringify(value)}\n` : `${text}\n`)
  const inWords = (): string =>
    `${counts.lines} read: ${counts.imported} ${dryRun ? 'to be imported' : 'imported'}, ` +
    `${counts.unchanged} unchanged, ${counts.bad} bad`

  return {
    /** Passes lines on, and keeps the names of fields that nobody reads: one of them may be misspelt. */
    async *noticing(lines: AsyncIterable<ImportLine>): AsyncGenerator<ImportLine> {
      for await (const line of lines) {
        if ('fields' in line && ignored.size < MOST_LISTED)
          for (const field of Object.keys(line.fields)) if (!KNOWN.has(field)) ignored.add(field)
        yield line
      }
    },

    add(done: LineOutcome): void {
      const { line, outcome } = done
      counts.lines += 1
      counts[outcome] += 1
      if (outcome === 'bad') {
        const { faults } = done
        if (bad.length < MOST_LISTED) bad.push({ line, faults })
        say(
          { line, faults },
          `line ${line}: ${faults.map(({ field, code }) => `${field} ${code}`).join(', ')}`,
        )
      }
      if (outcome === 'imported') {
        for (const code of done.warnings) warnings[code] = (warnings[code] ?? 0) + 1
        if (done.warnings.length > 0)
          say(
            { line, warnings: done.warnings },
            `line ${line}: warning: ${done.warnings.join(', ')}`,
          )
        renewBy = done.renewBy ?? renewBy
      }
      if (performance.now() - toldAt < PROGRESS_MS) return
      toldAt = performance.now()
      say({ progress: counts }, inWords())
    },

    output() {
      const fields = [...ignored].filter((field) => FIELD_NAME.test(field)).sort()
      const others = ignored.size - fields.length
      const about = Object.entries(warnings).map(([code, count]) => `  ${code}: ${count}`)
      return {
        json: {
          ...counts,
          dry_run: dryRun,
          warnings,
          ...(renewBy === undefined ? {} : { renew_by: renewBy }),
          ignored_fields: fields,
          ignored_others: others,
          bad_lines: bad,
        },
        text: [
          `${inWords()}.`,
          ...(about.length === 0 ? [] : ['Warnings:', ...about]),
          ...(renewBy === undefined
            ? []
            : [`What is weak ends on ${moment(renewBy)}: ask its owners to set it up anew.`]),
          ...(fields.length === 0 ? [] : [`Fields that are not known: ${fields.join(', ')}`]),
          ...(others === 0 ? [] : [`Fields that are not known, and look like no name: ${others}`]),
          '',
        ].join('\n'),
        ...(counts.bad > 0 ? { failed: true as const } : {}),
      }
    },
  }
}

const KNOWN = new Set([...PERSON_FIELDS, ...IMPORT_FIELDS])
