import { z } from 'zod'
import type { Instant } from '../../domain/time.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { Nodes } from '../../ports/nodes.ts'
import type { Clock } from '../../ports/services.ts'
import type { Outbox } from '../../ports/outbox.ts'
import type { Settings } from '../../ports/settings.ts'
import type { Record } from '../observe/audit.ts'
import { accountBatches, countIn } from '../accounts/batches.ts'
import { changeAccount } from '../accounts/people.ts'
import { changeSetting } from './change-setting.ts'
import type { ServerMfa } from '../boot/mfa.ts'

const SETTING = 'restore'
/** The factors whose codes a restore makes void: those made here, and those of another application. */
const CODES: readonly string[] = ['backup-codes', 'imported-codes']

const format = z.object({ startedAt: z.int().min(0), finishedAt: z.int().min(0).optional() })

export interface RestoreServices {
  readonly accounts: Accounts
  readonly outbox: Outbox
  readonly settings: Settings
  readonly nodes: Nodes
  readonly mfa: Pick<ServerMfa, 'accounts' | 'settled'>
  readonly clock: Clock
  readonly record: Record
}

export interface RestoreCounts {
  readonly accounts: number
  /** The number of these accounts that the interrupted run had done. */
  readonly done: number
  /** The number of accounts whose backup codes are void and have to be made anew. */
  readonly withBackupCodes: number
}

/**
 * The advice of every refusal after an unfinished restore. Only the operator, who put the backup back, knows which of
 * the two is right.
 */
export const HOW_TO_FINISH =
  '`oidc-provider-mfa restore --confirm --resume` goes on with it; `--anew` begins again, which is right if another backup was put back since'

/** The time when an unfinished run began; undefined: there is none. The backup itself may contain such a run. */
export async function unfinishedRestore(settings: Settings): Promise<Instant | undefined> {
  const stored = await settings.get(SETTING)
  const run = stored && format.parse(stored)
  return run?.finishedAt === undefined ? run?.startedAt : undefined
}

/**
 * Goes through all accounts after the storage came from a backup, and makes void what the backup makes valid again
 * (R37). `since`: the beginning of an interrupted run, which this one continues; accounts that it had done are
 * skipped. `progress` is called after each account, with the number of accounts at the beginning. Each account is consistent after each step, so the run may be interrupted anywhere.
 */
export async function restoreAccounts(
  services: RestoreServices,
  { dryRun, since }: { readonly dryRun: boolean; readonly since?: Instant },
  progress: (counts: RestoreCounts, total: number) => void = () => undefined,
): Promise<RestoreCounts> {
  const { accounts, mfa, clock } = services
  const startedAt = since ?? clock.now()
  if (!dryRun) {
    await note(services.settings, { startedAt })
    await forgetNodes(services.nodes)
  }
  const counts = { accounts: 0, done: 0, withBackupCodes: 0 }
  const total = await countIn(accountBatches(accounts))
  for await (const batch of accountBatches(accounts)) {
    for (const account of batch) {
      const { factors, restoredAt } = await mfa.accounts.status(account.id)
      counts.accounts += 1
      if (factors.some(({ factor }) => CODES.includes(factor))) counts.withBackupCodes += 1
      if (since !== undefined && restoredAt !== undefined && restoredAt >= since) counts.done += 1
      else if (!dryRun) await restore(services, account.id)
      progress(counts, total)
    }
    await mfa.settled()
  }
  if (!dryRun) {
    await note(services.settings, { startedAt, finishedAt: clock.now() })
    await services.record('storage-restored', {})
  }
  return counts
}

/**
 * The notes of the backup are those of nodes that ran when it was made, perhaps under another issuer. A node that still
 * runs writes its own again.
 */
async function forgetNodes(nodes: Nodes): Promise<void> {
  for (const { id } of await nodes.live(0)) await nodes.forget(id)
}

/** Makes the links void first: the step that marks the account as done comes last. */
async function restore(
  { accounts, outbox, mfa, clock }: RestoreServices,
  id: string,
): Promise<void> {
  // Notices stay: at worst a person is told again, under the same Message-ID.
  await outbox.withdraw(id)
  await changeAccount(accounts, id, ({ enrolmentProof: _, ...account }) => ({
    ...account,
    // Otherwise links that were used or withdrawn since the backup would be valid again.
    setUpSerial: (account.setUpSerial ?? 0) + 1,
    updatedAt: clock.now(),
  }))
  await mfa.accounts.restored(id)
}

async function note(settings: Settings, run: z.infer<typeof format>): Promise<void> {
  const { startedAt, finishedAt } = run
  const value = { startedAt, ...(finishedAt === undefined ? {} : { finishedAt }) }
  await changeSetting(settings, SETTING, () => value)
}
