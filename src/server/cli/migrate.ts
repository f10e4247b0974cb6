import type { Command } from 'commander'
import { DEMONSTRATION_FOLDER, loadConfig } from '../../../config/load.ts'
import { systemClock } from '../../adapters/crypto/system.ts'
import type { NodeNote } from '../../ports/nodes.ts'
import type { MigrationPhases, SchemaState, ServerStorage } from '../../ports/server-storage.ts'
import type { Clock } from '../../ports/services.ts'
import { openStorage, schemaStateOf } from '../boot/storage.ts'
import { addMigrateLegacyCommand } from '../import/migrate-legacy.ts'
import { liveNodes } from '../upkeep/membership.ts'
import { answer, command, Refusal, type Output, type Terminal } from './terminal.ts'

/** True: both phases, and everything else that brings a database to this version. */
export type Phases = true | 'expand' | 'contract'

/** The database that is migrated. */
export interface MigratedDatabase {
  /** Reads the state, and neither makes nor changes anything. */
  state(): Promise<SchemaState>
  open(allowed: MigrationPhases): Promise<ServerStorage>
}

/** `migrate`, `migrate expand`, `migrate contract` and `migrate legacy`. */
export function addMigrateCommands(program: Command, terminal: Terminal): void {
  const migrate = command(program, 'migrate', 'bring the database to this version')
  const made: readonly (readonly [Phases, Command])[] = [
    [true, migrate],
    [
      'expand',
      command(migrate, 'expand', 'only add what nodes of the former version can live with'),
    ],
    ['contract', command(migrate, 'contract', 'remove what only the former version needs')],
  ]
  for (const [phases, each] of made)
    answer(terminal, each, async () => {
      const { storage } = loadConfig(terminal.environment, DEMONSTRATION_FOLDER, ['STORAGE_URL'])
      const database: MigratedDatabase = {
        state: () => schemaStateOf(storage),
        open: (allowed) => openStorage(storage, { migrate: allowed }),
      }
      return migrateDatabase(database, phases, systemClock)
    })
  addMigrateLegacyCommand(migrate, terminal)
}

/**
 * Runs the phases. A contract is refused while a live node works with a version that could not read the result: Refusal
 * `nodes-live`; the other phase has then been done. Throws MfaError `schema-outdated` for a contract of a database that
 * is not expanded.
 */
export async function migrateDatabase(
  database: MigratedDatabase,
  phases: Phases,
  clock: Clock,
): Promise<Output> {
  const before = await database.state()
  if (phases !== 'contract') await (await database.open('expand')).close()
  if (phases !== 'expand') {
    const storage = await database.open(false)
    try {
      await refuseWhileNeeded(storage, clock)
    } finally {
      await storage.close()
    }
    await (await database.open(phases)).close()
  }
  const after = await database.state()
  const isRewritten = before.keepsFreePages === true && after.keepsFreePages === undefined
  return {
    json: {
      from: before.current,
      to: after.current,
      readable_from: after.readableFrom,
      ...(after.contractsTo === undefined ? {} : { contracts_to: after.contractsTo }),
      ...(isRewritten ? { rewritten: true } : {}),
    },
    text: linesOf(before, after, isRewritten)
      .map((line) => `${line}\n`)
      .join(''),
  }
}

async function refuseWhileNeeded(storage: ServerStorage, clock: Clock): Promise<void> {
  const { current, contractsTo } = await storage.schema()
  if (contractsTo === undefined) return
  const live = await liveNodes(storage.nodes, clock)
  const needing = live.filter(({ schema }) => schema < contractsTo)
  if (needing.length === 0) return
  throw new Refusal(
    'nodes-live',
    `The database has version ${current} and is not contracted, because nodes run that could not read the result: ${needing.map(inWords).join(', ')}. Restart them with this version, or stop them. A node that was killed counts for a minute. Then run \`oidc-provider-mfa migrate contract\`.`,
  )
}

function inWords({ name, version }: NodeNote): string {
  return `${name} (${version})`
}

function linesOf(before: SchemaState, after: SchemaState, isRewritten: boolean): string[] {
  const { current, readableFrom, contractsTo } = after
  const lines = [
    before.current === current
      ? `The database has version ${current} already.`
      : `The database went from version ${before.current} to ${current}.`,
  ]
  if (before.current > 0 && readableFrom > before.readableFrom)
    lines.push(`It is contracted: only versions that know ${readableFrom} work with it.`)
  if (contractsTo !== undefined)
    lines.push(
      'Run `oidc-provider-mfa migrate contract` when no node of the former version runs any more.',
    )
  if (isRewritten) lines.push('The file was rewritten, so that it gives free pages back.')
  return lines
}
