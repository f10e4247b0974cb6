import type { HashKind } from '../../adapters/crypto/foreign-hash/index.ts'
import type { Instant } from '../../domain/time.ts'
import type { FieldsToImport, ImportFault, ImportOutcome, ImportWarning } from '../../index.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { Clock, Random } from '../../ports/services.ts'
import type { Record } from '../observe/audit.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { MOST_KINDS, type HashKinds } from '../accounts/hash-kinds.ts'
import { normaliseName } from '../accounts/name.ts'
import { addPerson, findByName } from '../accounts/people.ts'
import type { ImportLine, LineFault } from './lines.ts'
import { namesIn, readPerson, type ImportedPerson, type PersonFault } from './person.ts'

export interface ImportServices {
  readonly accounts: Accounts
  readonly mfa: Pick<ServerMfa, 'accounts' | 'settled'>
  readonly hashKinds: HashKinds
  /** The kind of hash that is made now: it adds no work to a sign-in. */
  readonly todaysKind: HashKind
  readonly clock: Clock
  readonly random: Random
  readonly record: Record
}

export interface ImportOptions {
  readonly dryRun: boolean
  readonly emailsVerified: boolean
  /** For lines that do not say it themselves. */
  readonly defaults: FieldsToImport
  /** Fields of factors that are off here: a line that has a value in one of them is bad. Default: none. */
  readonly fieldsOff?: readonly string[]
  /** Whether somebody who has a password and no factor can sign in here. Absent: nothing is said about it. */
  readonly hasWayIn?: (person: ImportedPerson, mustEnrol: boolean) => boolean
  /** People that are worked on at once. Their plain codes wait for each other in the hasher. */
  readonly atOnce: number
  /** Plain codes of one person that are hashed at once. */
  readonly codesAtOnce: number
}

export type LineOutcome =
  | {
      readonly line: number
      readonly outcome: 'imported'
      readonly warnings: readonly (ImportWarning | 'no-password' | 'no-way-in')[]
      readonly renewBy?: Instant
    }
  /** An account with this name exists; nothing was changed. */
  | { readonly line: number; readonly outcome: 'unchanged' }
  | {
      readonly line: number
      /** The last line of a lost record. */
      readonly to?: number
      readonly outcome: 'bad'
      readonly faults: readonly (
        | ImportFault
        | PersonFault
        | {
            readonly field: string
            readonly code: LineFault | 'repeated' | 'taken' | 'too-many-hash-kinds'
          }
      )[]
    }

/** Lines after which events are handed to listeners, so that events that wait do not fill the memory. */
const SETTLED_EVERY = 200

/**
 * Adds the people of a file, and yields a result for each line when it is done, in any order. A second run changes
 * nothing. Throws what the storage throws; what was answered by then is stored.
 */
export async function* importPeople(
  services: ImportServices,
  lines: AsyncIterable<ImportLine>,
  options: ImportOptions,
): AsyncGenerator<LineOutcome> {
  const seen: Seen = { names: new Set(), newKinds: new Set() }
  const running: Running = new Map()
  let begun = 0
  for await (const line of lines) {
    const nth = (begun += 1)
    const done = importLine(services, line, options, seen).then((outcome) => ({ nth, outcome }))
    // Of several that fail at once the first is thrown; the others must not end the process.
    done.catch(() => undefined)
    running.set(nth, done)
    if (begun % SETTLED_EVERY === 0) await services.mfa.settled()
    if (running.size >= options.atOnce) yield await nextOf(running)
  }
  while (running.size > 0) yield await nextOf(running)
}

/** The names and hash kinds of the lines before. */
interface Seen {
  readonly names: Set<string>
  readonly newKinds: Set<HashKind>
}

/**
 * Whether a line before named the same person. An export that joins people with their authenticators has a line for
 * each authenticator, and one line alone would leave out a factor, so the second one is bad. It is bad also where the
 * first one was bad: it would make an account without the factor of the first.
 */
function isRepeated({ names }: Seen, ofLine: readonly string[]): boolean {
  const repeated = ofLine.some((name) => names.has(name))
  for (const name of ofLine) names.add(name)
  return repeated
}

type Running = Map<number, Promise<{ readonly nth: number; readonly outcome: LineOutcome }>>

async function nextOf(running: Running): Promise<LineOutcome> {
  const { nth, outcome } = await Promise.race(running.values())
  running.delete(nth)
  return outcome
}

async function importLine(
  services: ImportServices,
  read: ImportLine,
  options: ImportOptions,
  seen: Seen,
): Promise<LineOutcome> {
  const { line } = read
  if ('fault' in read) {
    const to = read.to === undefined ? {} : { to: read.to }
    return { line, ...to, outcome: 'bad', faults: [{ field: 'line', code: read.fault }] }
  }
  const fields = withDefaults(read.fields, options.defaults)
  const reading = readPerson(fields, options)
  // No `await` before this: the lines register their names in the order of the file.
  const repeated = isRepeated(seen, namesIn(fields, options))
  if ('faults' in reading) return { line, outcome: 'bad', faults: reading.faults }
  if (repeated) return { line, outcome: 'bad', faults: [{ field: 'username', code: 'repeated' }] }
  const off = (options.fieldsOff ?? []).filter((field) => !isEmpty(fields[field]))
  if (off.length > 0) {
    const faults = off.map((field) => ({ field, code: 'factor-not-offered' as const }))
    return { line, outcome: 'bad', faults }
  }
  const { person } = reading

  const holder = await holderOf(services.accounts, person)
  if (holder !== undefined) return { line, ...holder }
  if (!(await isKindTaken(services, person.hashKind, options, seen)))
    return {
      line,
      outcome: 'bad',
      faults: [{ field: 'passwordHash', code: 'too-many-hash-kinds' }],
    }

  // The second factor is stored first, under a new id: if the process ends in between, no account exists without the
  // factor that its owner had. A record without an account is left then, and nobody signs in with it.
  const id = Buffer.from(services.random.bytes(16)).toString('base64url')
  const { dryRun, codesAtOnce } = options
  const factors = await services.mfa.accounts.import(id, fields, { dryRun, codesAtOnce })
  if (factors.outcome === 'refused') return { line, outcome: 'bad', faults: factors.faults }
  if (factors.outcome === 'exists') throw new Error('a new account has a second factor already')
  const { renewBy } = factors
  const imported = {
    line,
    outcome: 'imported' as const,
    warnings: warningsOf(person, factors, options),
    ...(renewBy === undefined ? {} : { renewBy }),
  }
  if (dryRun) return imported

  const added = await addPerson(services, { ...person, id, passwordOrigin: 'import' })
  if (!added.ok) {
    // Another line, or another run, has added the person first. Its factors stay, and these are removed.
    await services.mfa.accounts.reset(id)
    return { line, ...((await holderOf(services.accounts, person)) ?? taken('username')) }
  }
  await services.record('user-imported', { accountId: id })
  return imported
}

/** The link that sets a missing password is also the proof for a first factor. */
function warningsOf(
  person: ImportedPerson,
  { factors, warnings }: Extract<ImportOutcome, { outcome: 'imported' }>,
  { hasWayIn }: ImportOptions,
): readonly (ImportWarning | 'no-password' | 'no-way-in')[] {
  if (person.passwordHash === undefined) return [...warnings, 'no-password']
  const isShutOut =
    factors.length === 0 && hasWayIn?.(person, warnings.includes('must-enrol')) === false
  return isShutOut ? [...warnings, 'no-way-in'] : warnings
}

/** Whether a cell or a member says nothing. */
function isEmpty(value: unknown = null): boolean {
  if (Array.isArray(value)) return value.length === 0
  return (
    value === null ||
    (typeof value === 'string' && /^\s*(?:\[\s*\]|\{\s*\}|null|\\n)?\s*$/i.test(value))
  )
}

/** The line with the defaults for fields that it lacks or has empty, in camel case and in snake case. */
function withDefaults(fields: FieldsToImport, defaults: FieldsToImport): FieldsToImport {
  const isUnsaid = (name: string): boolean =>
    [name, name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)].every((own) =>
      isEmpty(fields[own]),
    )
  const unsaid = Object.entries(defaults).filter(([name]) => isUnsaid(name))
  return { ...fields, ...Object.fromEntries(unsaid) }
}

/** Whether the names belong to the same person or to somebody else. Undefined: they are free. */
async function holderOf(
  accounts: Accounts,
  { username, email, emailVerified }: ImportedPerson,
): Promise<{ outcome: 'unchanged' } | ReturnType<typeof taken> | undefined> {
  const named = (await findByName(accounts, username))?.account
  if (named !== undefined)
    return isCalled(named, username) ? { outcome: 'unchanged' } : taken('username')
  if (email === undefined || !emailVerified) return undefined
  return (await findByName(accounts, email)) === undefined ? undefined : taken('email')
}

function isCalled({ username }: Account, name: string): boolean {
  return normaliseName(username) === normaliseName(name)
}

function taken(field: string) {
  return { outcome: 'bad' as const, faults: [{ field, code: 'taken' as const }] }
}

/** Notes the kind before its first account is stored; otherwise the time of a sign-in would tell that account apart (R33). */
async function isKindTaken(
  { hashKinds, todaysKind }: ImportServices,
  kind: HashKind | undefined,
  { dryRun }: ImportOptions,
  { newKinds }: Seen,
): Promise<boolean> {
  if (kind === undefined || kind === todaysKind) return true
  if (!dryRun) return hashKinds.note(kind)
  const held = new Set([...(await hashKinds.held()), ...newKinds, kind])
  if (held.size > MOST_KINDS) return false
  newKinds.add(kind)
  return true
}
