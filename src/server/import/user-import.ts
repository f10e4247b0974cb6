import { access, open, readFile, stat } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import type { FieldsToImport } from '../../index.ts'
import { importPeople } from './people.ts'
import { ExportFault, readExport, type ToPerson } from './exports/export.ts'
import { firebaseParameters, firebasePerson } from './exports/firebase.ts'
import { fusionAuthPerson } from './exports/fusionauth.ts'
import { keycloakPerson } from './exports/keycloak.ts'
import {
  formatOf,
  IMPORT_FORMATS,
  readImport,
  type ImportFormat,
  type ImportLine,
} from './lines.ts'
import { PERSON_FIELDS } from './person.ts'
import { importReport, KNOWN_FIELDS } from './user-import-report.ts'
import { fieldsOff } from '../boot/factors.ts'
import { hasWayIn } from '../boot/mfa.ts'
import { withSession, type Session } from '../cli/session.ts'
import {
  answer,
  command,
  Refusal,
  type Options,
  type Output,
  type Terminal,
} from '../cli/terminal.ts'

/** So many keep a database over a network at work. The memory holds the lines and the waiting codes of these alone. */
const PEOPLE_AT_ONCE = 8

/** `user import`: people of another application, with their passwords and second factors. */
export function addUserImportCommand(user: Command, terminal: Terminal): void {
  const made = command(user, 'import', 'add the people of a file, with their second factors')
    .argument('<file>', 'JSON lines, CSV with a header, or an export of another product')
    .addOption(
      new Option('--format <name>', 'of a file whose name does not say').choices([
        ...IMPORT_FORMATS,
        ...EXPORT_FORMATS,
      ]),
    )
    .option('--firebase-config <file>', 'the hash parameters of the Firebase project')
    .option('--dry-run', 'say what would come of it, and change nothing')
    .option('--emails-unverified', 'addresses are not verified unless a line says so')
    .option('--secret-encoding <name>', 'base32, hex or ascii; of secrets that do not say')
    .option(
      '--backup-code-form <form>',
      'the form in which codes were hashed, such as upper,compact',
    )
  answer(terminal, made, async ([file = ''], options) => {
    const people = await peopleOf(file, options)
    const work = (session: Session): Promise<Output> =>
      importFile(terminal, session, people, options)
    return withSession(terminal, work, { bulkHashing: true })
  })
}

async function importFile(
  terminal: Terminal,
  { foundation, mfa }: Session,
  people: PeopleFile,
  options: Options,
): Promise<Output> {
  const dryRun = options['dryRun'] === true
  const { storage, hashKinds, hasher, clock, random, record, settings } = foundation
  const report = importReport(terminal, {
    json: options['json'] === true,
    dryRun,
    unit: isExport(options['format']) ? 'person' : 'line',
  })
  const services = {
    accounts: storage.accounts,
    mfa,
    hashKinds,
    todaysKind: hasher.kind,
    clock,
    random,
    record,
  }
  report.begin(people.canRepeat ? await countOf(people.read()) : undefined)
  const isMailSet = foundation.config.mail !== undefined
  for await (const outcome of importPeople(services, report.noticing(people.read()), {
    dryRun,
    emailsVerified: options['emailsUnverified'] !== true,
    defaults: defaultsOf(options),
    fieldsOff: fieldsOff(settings, foundation.issuer),
    hasWayIn: (person, mustEnrol) => hasWayIn(settings, { isMailSet, person, mustEnrol }),
    atOnce: PEOPLE_AT_ONCE,
    codesAtOnce: settings.passwords.hashingAtOnce,
  }))
    report.add(outcome)
  return report.output()
}

const EXPORT_FORMATS = ['keycloak', 'fusionauth', 'firebase'] as const
type ExportFormat = (typeof EXPORT_FORMATS)[number]

function isExport(format: unknown): format is ExportFormat {
  return EXPORT_FORMATS.some((known) => known === format)
}

interface PeopleFile {
  read(): AsyncIterable<ImportLine>
  /** Whether `read` begins at the first person each time. A pipe is read once. */
  readonly canRepeat: boolean
}

/** Throws Refusal where the file or an option cannot be used. */
async function peopleOf(file: string, options: Options): Promise<PeopleFile> {
  const format = (options['format'] as ImportFormat | ExportFormat | undefined) ?? formatOf(file)
  if (format === undefined)
    throw new Refusal('format', 'Say --format jsonl or --format csv: the name does not.')
  const canRepeat = await isRegular(file)
  if (isExport(format)) {
    const toPerson = await toPersonOf(format, options['firebaseConfig'])
    return { read: () => refusing(readExport(file, toPerson), file), canRepeat }
  }
  if (canRepeat && options['format'] === undefined && format === 'jsonl') await refuseDocument(file)
  return { read: () => readImport(file, format, readHeader), canRepeat }
}

/** False for a pipe, such as `/dev/stdin`. Throws Refusal `file-unreadable`. */
async function isRegular(file: string): Promise<boolean> {
  const unreadable = (why: string): Refusal => new Refusal('file-unreadable', `${file} ${why}.`)
  await access(file).catch(() => {
    throw unreadable('cannot be read')
  })
  const found = await stat(file)
  if (found.isDirectory()) throw unreadable('is a folder')
  return found.isFile()
}

async function toPersonOf(format: ExportFormat, configFile: Options[string]): Promise<ToPerson> {
  if (format === 'keycloak') return keycloakPerson
  if (format === 'fusionauth') return fusionAuthPerson
  const text = await readFile(String(configFile), 'utf8').catch(() => '')
  const parameters = firebaseParameters(text)
  if (parameters === undefined)
    throw new Refusal(
      'firebase-config',
      '--firebase-config names a file with base64_signer_key, base64_salt_separator, rounds and mem_cost, as the Firebase console shows them.',
    )
  return (user) => firebasePerson(user, parameters)
}

async function* refusing(
  people: AsyncIterable<ImportLine>,
  file: string,
): AsyncGenerator<ImportLine> {
  try {
    yield* people
  } catch (error) {
    if (error instanceof ExportFault)
      throw new Refusal('file-unreadable', `${file} ${error.message}.`)
    throw error
  }
}

const BEGINNING_BYTES = 4096
/** A list, an object that goes on in the next line, or one with a list of users in its first line. */
const DOCUMENT = /^\s*(?:\[|\{\s*(?:\n|$)|\{[^{}[\]]*"users"\s*:\s*\[)/

/** Each line of one JSON document would be reported as a bad line. */
async function refuseDocument(file: string): Promise<void> {
  const handle = await open(file)
  const { buffer, bytesRead } = await handle
    .read(Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES)
    .finally(() => handle.close())
  const beginning = buffer.toString('utf8', 0, bytesRead)
  if (DOCUMENT.test(beginning))
    throw new Refusal(
      'format',
      `${file} is one JSON document. Say --format keycloak, fusionauth or firebase for an export of these; other documents have to become JSON lines.`,
    )
}

/** The people of a file are counted first, so that the progress says how many there are and how long they take. */
async function countOf(lines: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of lines) count += 1
  return count
}

function defaultsOf({ secretEncoding, backupCodeForm }: Options): FieldsToImport {
  return {
    ...(secretEncoding === undefined ? {} : { secretEncoding }),
    ...(backupCodeForm === undefined ? {} : { backupCodeForm }),
  }
}

/**
 * The names of the fields under which the columns are read: a spreadsheet writes `Username` and `E-Mail`, so that a
 * column whose name is no field's has that of the field with the same letters. Throws Refusal `header` before the first
 * person. Without a header the first person's values would be read, and reported, as field names; and of two columns
 * with one name, an empty second one would replace the value of the first.
 */
function readHeader(columns: readonly string[]): readonly string[] {
  const names = columns.map((column) =>
    KNOWN_FIELDS.has(column) ? column : (FIELD_OF_LETTERS.get(lettersOf(column)) ?? column),
  )
  if (!names.some((name) => PERSON_FIELDS.includes(name)))
    throw new Refusal(
      'header',
      'The first line names no field that says who it is: a CSV file is in UTF-8 and begins with the names of its columns.',
    )
  const twice = names.find((name, at) => KNOWN_FIELDS.has(name) && names.indexOf(name) !== at)
  if (twice !== undefined)
    throw new Refusal('header', `Two columns are called ${twice}: leave one of them out.`)
  return names
}

const lettersOf = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, '')

const FIELD_OF_LETTERS: ReadonlyMap<string, string> = new Map(
  [...KNOWN_FIELDS].map((name) => [lettersOf(name), name]),
)
