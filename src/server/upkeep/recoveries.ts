import type { Mfa } from '../../index.ts'
import type { Settings } from '../../ports/settings.ts'
import { changeSetting } from './change-setting.ts'

/** The setting that names the accounts whose recovery is in progress: few at a time. */
const RECOVERIES = 'recoveries'

/** Notes an account whose recovery has begun, so that each node looks at it when something is due. */
export async function noteRecovery(settings: Settings, accountId: string): Promise<void> {
  await changeSetting(settings, RECOVERIES, (stored) => {
    const accounts = namedIn(stored)
    return accounts.includes(accountId) ? undefined : { accounts: [...accounts, accountId] }
  })
}

/**
 * Tells what time has brought to the recoveries in progress: the notices at half of the wait and at its end. It runs at
 * the start and every minute, on every node; the record of the account says what was told, so that each notice comes
 * once. An account whose recovery is over is named no more. `report` takes the error of an account that cannot be read;
 * the others are looked at all the same.
 */
export async function tellRecoveries(
  settings: Settings,
  mfa: Pick<Mfa, 'accounts'>,
  report: (error: unknown) => void,
): Promise<void> {
  const over = new Set<string>()
  for (const accountId of namedIn(await settings.get(RECOVERIES)))
    try {
      if (!(await mfa.accounts.tellRecovery(accountId))) over.add(accountId)
    } catch (error) {
      report(error)
    }
  if (over.size === 0) return
  await changeSetting(settings, RECOVERIES, async (stored) => {
    const accounts = namedIn(stored)
    // One may have begun again since: its event has found its name still here.
    const left = []
    for (const accountId of accounts)
      if (!over.has(accountId) || (await isRunning(mfa, accountId))) left.push(accountId)
    return left.length === accounts.length ? undefined : { accounts: left }
  })
}

async function isRunning(mfa: Pick<Mfa, 'accounts'>, accountId: string): Promise<boolean> {
  return (await mfa.accounts.status(accountId)).recovery !== undefined
}

function namedIn(stored: unknown): readonly string[] {
  const { accounts } = (stored ?? {}) as { readonly accounts?: unknown }
  return Array.isArray(accounts) ? accounts.filter((one) => typeof one === 'string') : []
}
