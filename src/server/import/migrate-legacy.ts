import type { Command } from 'commander'
import { FIELD_KINDS, readLegacyFields } from './legacy-fields.ts'
import { withLegacyUsers, type LegacyOptions, type LegacyUsers } from './legacy-users.ts'
import { removeLegacy } from './remove-legacy.ts'
import { takeOver } from './take-over.ts'
import { removalReport, takeOverReport } from './legacy-report.ts'
import { progress } from '../cli/progress.ts'
import {
  answer,
  command,
  Refusal,
  type Options,
  type Output,
  type Terminal,
} from '../cli/terminal.ts'

const SOME = `${FIELD_KINDS.join(', ')} or a name that an import reads`

/** `migrate legacy`: the home-made second factor of an application's users, in their own collection. */
export function addMigrateLegacyCommand(migrate: Command, terminal: Terminal): void {
  const made = command(
    migrate,
    'legacy',
    "take over a home-made second factor in an application's own MongoDB collection",
  )
    .option('--url-file <file>', 'holds the URL of its database; or set APPLICATION_MONGODB_URL')
    .option('--collection <name>', 'of its users', 'users')
    .option('--field <name=path>', `where it is: ${SOME}; may be repeated`, collect, [])
    .option('--own-collection', 'keep the records in mfa_records, for mongooseStorage(connection)')
    .option('--account-id <path>', 'with --own-collection: what findAccount takes', '_id')
    .option('--dry-run', 'say what would come of it, and change nothing')
    .option(
      '--remove-legacy',
      'afterwards: take the old fields out of documents whose record opens',
    )
    .option(
      '--leave <id>',
      'with --remove-legacy: an _id whose old fields stay; may be repeated',
      collect,
      [],
    )
  answer(terminal, made, async (_args, options) => {
    const legacyOptions = { ...readOptions(options), actor: terminal.actor?.() }
    return withLegacyUsers(terminal.environment, legacyOptions, async (legacy) => {
      const total = await legacy.users.count()
      // Otherwise a misspelt name would look like a completed migration.
      if (total === 0)
        throw new Refusal('collection', `There is nobody in ${legacyOptions.collection}.`)
      return options['removeLegacy'] === true
        ? removed(terminal, options, legacy, total)
        : takenOver(terminal, options, legacy, total)
    })
  })
}

async function takenOver(
  terminal: Terminal,
  options: Options,
  legacy: LegacyUsers,
  total: number,
): Promise<Output> {
  const { dryRun, json } = flags(options)
  const report = takeOverReport(terminal, { json, dryRun })
  const tell = progress(terminal, { json, items: 'documents', total })
  for await (const one of takeOver(legacy, { dryRun })) tell(report.add(one))
  return report.output()
}

/**
 * All documents are checked before the first is changed, because fields that are not imported yet may be their owner's
 * only second factor.
 */
async function removed(
  terminal: Terminal,
  options: Options,
  legacy: LegacyUsers,
  total: number,
): Promise<Output> {
  const { dryRun, json } = flags(options)
  const leave = new Set(options['leave'] as readonly string[])
  const look = removalReport(terminal, { json, dryRun: true })
  const looking = progress(terminal, { json, items: 'documents', total })
  for await (const one of removeLegacy(legacy, { act: false, leave })) looking(look.add(one))
  if (dryRun) return look.output()
  if (look.needed() > 0)
    throw new Refusal(
      'legacy-needed',
      `Nothing was removed: ${look.needed()} documents are not taken over, or their record does not open. --dry-run ` +
        'says which; mend them, run `migrate legacy` again, or say --leave ID of each that keeps its fields.',
    )
  const report = removalReport(terminal, { json, dryRun: false })
  const tell = progress(terminal, { json, items: 'documents', total })
  for await (const one of removeLegacy(legacy, { act: true, leave })) tell(report.add(one))
  return report.output()
}

function flags(options: Options): { dryRun: boolean; json: boolean } {
  return { dryRun: options['dryRun'] === true, json: options['json'] === true }
}

function readOptions(options: Options): LegacyOptions & { urlFile?: string } {
  const { urlFile, collection, field, accountId } = options as Record<string, string | undefined>
  const fields = readLegacyFields(field as unknown as readonly string[])
  if (fields === undefined)
    throw new Refusal(
      'field',
      `--field takes NAME=PATH; NAME is ${SOME}, such as secret=twoFactor.secret.`,
    )
  const apart = options['ownCollection'] === true
  if (!apart && [...fields.values()].some((path) => /^mfa(\.|$)/.test(path)))
    throw new Refusal(
      'field',
      'The field mfa is where the records go: rename it first, or keep them in a collection of their own (--own-collection).',
    )
  if (!apart && accountId !== '_id')
    throw new Refusal(
      'account-id',
      'A record in a user document belongs to its _id: --account-id needs --own-collection.',
    )
  if ((options['leave'] as readonly string[]).length > 0 && options['removeLegacy'] !== true)
    throw new Refusal('leave', '--leave goes with --remove-legacy.')
  return {
    collection: collection ?? '',
    fields,
    records: apart ? 'apart' : 'documents',
    accountId: accountId ?? '',
    ...(urlFile === undefined ? {} : { urlFile }),
  }
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
