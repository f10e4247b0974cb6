import type { Command } from 'commander'
import { ConfigError, type Config } from '../../../config/environment.ts'
import { loadConfig } from '../../../config/load.ts'
import { backupCodes } from '../../index.ts'
import { EVENT_TYPES } from '../../domain/events.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { AuditEntry } from '../../ports/audit-trail.ts'
import { findByName } from '../accounts/people.ts'
import { SERVER_EVENTS } from '../observe/audit.ts'
import { examine } from '../upkeep/doctor.ts'
import { addMigrateLegacyCommand } from './migrate-legacy.ts'
import { openStorage, schemaStateOf } from '../boot/storage.ts'
import { withSession } from './session.ts'
import { answer, command, failureOf, moment, Refusal, table, type Terminal } from './terminal.ts'

/** `migrate`, `audit` and `doctor`. */
export function addMaintenanceCommands(program: Command, terminal: Terminal): void {
  const migrate = command(program, 'migrate', 'bring the database to this version')
  addMigrateLegacyCommand(migrate, terminal)
  answer(terminal, migrate, async () => {
    const { storage } = loadConfig(terminal.environment)
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
  })

  answer(
    terminal,
    command(program, 'audit', 'show what happened, the newest first')
      .option('--user <name>', 'to this person alone')
      .option('--type <type>', 'of this type alone')
      .option('--limit <n>', 'so many at most', '100'),
    async (_args, options) =>
      withSession(terminal, async ({ foundation }) => {
        const { user, type, limit } = options as Record<string, string | undefined>
        if (type !== undefined && !AUDITED.has(type))
          throw new Refusal('type', `There is no such type. There are: ${[...AUDITED].join(', ')}.`)
        const about = user === undefined ? undefined : await idOf(foundation.storage.accounts, user)
        const entries = await foundation.storage.audit.list({
          limit: numberOf(limit),
          ...(about === undefined ? {} : { accountId: about }),
          ...(type === undefined ? {} : { type }),
        })
        const names = await namesOf(foundation.storage.accounts, entries)
        return {
          json: entries,
          text: table(
            ['WHEN', 'WHAT', 'WHO', 'HOW'],
            entries.map((entry) => row(entry, names)),
          ),
        }
      }),
  )

  answer(
    terminal,
    command(program, 'doctor', 'check settings, keys, storage, clients and mail'),
    async () => {
      let config: Config
      try {
        config = loadConfig(terminal.environment)
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        const findings = error.faults.map(({ setting, problem }) => ({
          check: setting,
          result: 'failed' as const,
          detail: problem,
        }))
        return { json: findings, text: table(HEAD, findings.map(Object.values)), failed: true }
      }
      const findings = await examine(config, (error) => failureOf(error).message)
      return {
        json: findings,
        text: table(
          HEAD,
          findings.map(({ check, result, detail }) => [check, result, detail]),
        ),
        ...(findings.some(({ result }) => result === 'failed') ? { failed: true as const } : {}),
      }
    },
  )
}

const AUDITED: ReadonlySet<string> = new Set(
  [...EVENT_TYPES, ...(backupCodes().eventTypes ?? []), ...SERVER_EVENTS].sort(),
)

const HEAD = ['CHECK', 'RESULT', 'DETAIL']

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

/** Who the entries are about, by id. Who is gone has none. */
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

/** Where it could be read as more than one detail: somebody's browser says what it likes. */
function quoted(value: string): string {
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value
}
