import type { Command } from 'commander'
import { ConfigError, type Config } from '../../../config/environment.ts'
import { DEMONSTRATION_FOLDER, loadConfig } from '../../../config/load.ts'
import { backupCodes } from '../../index.ts'
import { EVENT_TYPES } from '../../domain/events.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { AuditEntry } from '../../ports/audit-trail.ts'
import { findByName } from '../accounts/people.ts'
import { SERVER_EVENTS } from '../observe/audit.ts'
import { examine, examineSettings } from '../upkeep/doctor.ts'
import type { Finding } from '../upkeep/finding.ts'
import { addMigrateLegacyCommand } from '../import/migrate-legacy.ts'
import { openStorage, schemaStateOf } from '../boot/storage.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  command,
  readingCommand,
  failureOf,
  moment,
  Refusal,
  table,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'

/** `migrate`, `audit`, `doctor` and `config`. */
export function addMaintenanceCommands(program: Command, terminal: Terminal): void {
  const migrate = command(program, 'migrate', 'bring the database to this version')
  addMigrateLegacyCommand(migrate, terminal)
  answer(terminal, migrate, async () => migrateStorage(terminal))

  answer(
    terminal,
    readingCommand(program, 'audit', 'show what happened, the newest first')
      .option('--user <name>', 'to this person alone')
      .option('--type <type>', 'of this type alone')
      .option('--limit <n>', 'so many at most', '100'),
    async (_args, options) => withSession(terminal, (session) => showAudit(session, options)),
  )

  answer(
    terminal,
    readingCommand(program, 'doctor', 'check settings, keys, storage, clients and mail'),
    async () => runChecks(terminal, examine),
  )

  const config = program.command('config').description('the settings of the server')
  answer(
    terminal,
    readingCommand(
      config,
      'check',
      'check the settings and the files that they name, and open no storage',
    ),
    async () => runChecks(terminal, examineSettings),
  )
}

async function migrateStorage(terminal: Terminal): Promise<Output> {
  const { storage } = loadConfig(terminal.environment, DEMONSTRATION_FOLDER, ['STORAGE_URL'])
  const before = await schemaStateOf(storage)
  await (await openStorage(storage, { migrate: true })).close()
  const after = await schemaStateOf(storage)
  return {
    json: { from: before.current, to: after.current },
    text:
      before.current === after.current
        ? `The database has version ${after.current} already.\n`
        : `The database went from version ${before.current} to ${after.current}.\n`,
  }
}

async function showAudit({ foundation }: Session, options: Options): Promise<Output> {
  const { accounts, audit } = foundation.storage
  const { user, type, limit } = options as Record<string, string | undefined>
  if (type !== undefined && !AUDITED.has(type))
    throw new Refusal('type', `There is no such type. There are: ${[...AUDITED].join(', ')}.`)
  const about = user === undefined ? undefined : await idOf(accounts, user)
  const entries = await audit.list({
    limit: numberOf(limit),
    ...(about === undefined ? {} : { accountId: about }),
    ...(type === undefined ? {} : { type }),
  })
  const names = await namesOf(accounts, entries)
  return {
    json: entries,
    text: table(
      ['WHEN', 'WHAT', 'WHO', 'HOW'],
      entries.map((entry) => row(entry, names)),
    ),
  }
}

/**
 * Examines the server, or its settings alone. If the settings cannot be read, their faults are the only findings: every
 * other check needs the settings.
 */
async function runChecks(terminal: Terminal, checks: typeof examine): Promise<Output> {
  let config: Config
  try {
    config = loadConfig(terminal.environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const failed = error.faults.map(({ setting, problem }): Finding => ({
      check: setting,
      result: 'failed',
      detail: problem,
    }))
    return outputOf(failed)
  }
  return outputOf(await checks(config, (error) => failureOf(error).message))
}

function outputOf(findings: readonly Finding[]): Output {
  const text = table(
    ['CHECK', 'RESULT', 'DETAIL'],
    findings.map(({ check, result, detail }) => [check, result, detail]),
  )
  return findings.some(({ result }) => result === 'failed')
    ? { json: findings, text, failed: true }
    : { json: findings, text }
}

const AUDITED: ReadonlySet<string> = new Set(
  [...EVENT_TYPES, ...(backupCodes().eventTypes ?? []), ...SERVER_EVENTS].sort(),
)

async function idOf(accounts: Accounts, name: string): Promise<string> {
  const stored = await findByName(accounts, name)
  if (stored === undefined) throw new Refusal('user-unknown', 'There is nobody of this name.')
  return stored.account.id
}

function numberOf(text: string | undefined): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1 || number > 10_000)
    throw new Refusal('limit', '--limit takes a number from 1 to 10000.')
  return number
}

/**
 * The user names of the accounts in the entries, by account id. An account that no longer exists is named by its id.
 */
async function namesOf(
  accounts: Accounts,
  entries: readonly AuditEntry[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  for (const id of new Set(entries.map(({ accountId }) => accountId)))
    if (id !== undefined) names.set(id, (await accounts.byId(id))?.account.username ?? id)
  return names
}

function row(
  { at, type, accountId = '', detail }: AuditEntry,
  names: ReadonlyMap<string, string>,
): string[] {
  const about = Object.entries(detail).map(([name, value]) => `${name}=${quoted(String(value))}`)
  return [moment(at), type, names.get(accountId) ?? '', about.join(' ')]
}

/** Quotes a value that could be read as more than one detail: a browser chooses its own `User-Agent`. */
function quoted(value: string): string {
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value
}
