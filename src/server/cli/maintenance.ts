import type { Command } from 'commander'
import { ConfigError, type Config, type Environment } from '../../../config/environment.ts'
import { loadConfig } from '../../../config/load.ts'
import { examine, examineSettings } from '../upkeep/doctor.ts'
import type { Finding } from '../upkeep/finding.ts'
import { answer, failureOf, readingCommand, table, type Output, type Terminal } from './terminal.ts'

/** `doctor` and `config`. */
export function addMaintenanceCommands(program: Command, terminal: Terminal): void {
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

async function runChecks(terminal: Terminal, checks: typeof examine): Promise<Output> {
  return outputOf(await findingsOf(terminal.environment, checks))
}

/** The findings of `config check` about the settings of an environment. */
export function settingsFindings(environment: Environment): Promise<readonly Finding[]> {
  return findingsOf(environment, examineSettings)
}

/**
 * Examines the server, or its settings alone. If the settings cannot be read, their faults are the only findings: every
 * other check needs the settings.
 */
async function findingsOf(
  environment: Environment,
  checks: typeof examine,
): Promise<readonly Finding[]> {
  let config: Config
  try {
    config = loadConfig(environment)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map(({ setting, problem }): Finding => ({
      check: setting,
      result: 'failed',
      detail: problem,
    }))
  }
  return checks(config, (error) => failureOf(error).message)
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
