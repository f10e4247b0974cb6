import type { Command } from 'commander'
import { ConfigError, type Config } from '../../../config/environment.ts'
import { DEMONSTRATION_FOLDER, loadConfig } from '../../../config/load.ts'
import { examine, examineSettings } from '../upkeep/doctor.ts'
import type { Finding } from '../upkeep/finding.ts'
import { addMigrateLegacyCommand } from '../import/migrate-legacy.ts'
import { openStorage, schemaStateOf } from '../boot/storage.ts'
import {
  answer,
  command,
  failureOf,
  readingCommand,
  table,
  type Output,
  type Terminal,
} from './terminal.ts'

/** `migrate`, `doctor` and `config`. */
export function addMaintenanceCommands(program: Command, terminal: Terminal): void {
  const migrate = command(program, 'migrate', 'bring the database to this version')
  addMigrateLegacyCommand(migrate, terminal)
  answer(terminal, migrate, async () => migrateStorage(terminal))

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
