import { Option, type Command } from 'commander'
import {
  HOW_TO_FINISH,
  restoreAccounts,
  unfinishedRestore,
  type RestoreCounts,
} from '../upkeep/restore.ts'
import { progress } from './progress.ts'
import { withSession } from './session.ts'
import { answer, command, moment, Refusal, type Terminal } from './terminal.ts'

/** `restore`: makes the accounts safe after a backup was put back, before anybody signs in. */
export function addRestoreCommand(program: Command, terminal: Terminal): void {
  const made = command(
    program,
    'restore',
    'after a backup was put back: void what it brings back to life, and sign everybody out',
  )
    .option('--confirm', 'do it')
    .option('--dry-run', 'say whom it concerns, and change nothing')
    .addOption(new Option('--resume', 'go on with a run that broke off').conflicts('anew'))
    .option('--anew', 'begin again although a run has not finished: another backup was put back')
  answer(terminal, made, async (_args, options) =>
    withSession(terminal, async ({ foundation, mfa }) => {
      const { storage, clock, record } = foundation
      const { accounts, outbox, settings, nodes } = storage
      const dryRun = options['dryRun'] === true
      if (!dryRun && options['confirm'] !== true)
        throw new Refusal(
          'confirm',
          'This signs everybody out and makes all backup codes void. Stop every node, look at --dry-run, ' +
            'then say --confirm.',
        )
      const begun = await unfinishedRestore(settings)
      const resumes = options['resume'] === true
      if (begun !== undefined && !dryRun && !resumes && options['anew'] !== true)
        throw new Refusal(
          'restore-unfinished',
          `A run that began at ${moment(begun)} has not finished: ${HOW_TO_FINISH}.`,
        )
      if (resumes && begun === undefined)
        throw new Refusal('restore-finished', 'There is no run to go on with.')

      const json = options['json'] === true
      const tell = restoreProgress(terminal, json)
      const counts = await restoreAccounts(
        { accounts, outbox, settings, nodes, mfa, clock, record },
        { dryRun, ...(resumes && begun !== undefined ? { since: begun } : {}) },
        tell,
      )
      return { json: { ...shown(counts), dry_run: dryRun }, text: inWords(counts, dryRun) }
    }),
  )
}

/** The progress begins when the number of accounts is known. */
function restoreProgress(terminal: Terminal, json: boolean) {
  let latest: RestoreCounts = { accounts: 0, done: 0, withBackupCodes: 0 }
  let tell: ((done: number) => void) | undefined
  const soFar = () => {
    const { accounts: _, ...others } = shown(latest)
    return { json: others, text: `${latest.withBackupCodes} with backup codes` }
  }
  return (counts: RestoreCounts, total: number): void => {
    latest = counts
    tell ??= progress(terminal, { json, items: 'accounts', total, soFar })
    tell(counts.accounts)
  }
}

function shown({ accounts, done, withBackupCodes }: RestoreCounts) {
  return { accounts, done_before: done, with_backup_codes: withBackupCodes }
}

function inWords({ accounts, done, withBackupCodes }: RestoreCounts, dryRun: boolean): string {
  const before = done === 0 ? '' : `, ${done} of them by the run before`
  return dryRun
    ? `${accounts} accounts would be signed out${before}; the backup codes of ${withBackupCodes} would be void.\n`
    : `${accounts} accounts are signed out${before}. The backup codes of ${withBackupCodes} are void: ask their owners ` +
        'to make new ones. Who reported a loss since the backup needs `user reset-mfa`. ' +
        'A client secret that was rotated since the backup is the former one again: run `client rotate-secret` again.\n'
}
