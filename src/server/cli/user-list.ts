import type { Account } from '../../ports/accounts.ts'
import { accountBatches } from '../accounts/batches.ts'
import type { Session } from './session.ts'
import { table, type Output } from './terminal.ts'
import { stateOf } from './user-about.ts'
import { shown } from './user-add.ts'

export async function list({ foundation }: Session): Promise<Output> {
  const all: Account[] = []
  for await (const batch of accountBatches(foundation.storage.accounts)) all.push(...batch)
  all.sort((one, other) => one.username.localeCompare(other.username))
  return {
    json: all.map(shown),
    text: table(
      ['NAME', 'ADDRESS', 'GROUPS', 'STATE'],
      all.map((account) => [
        account.username,
        account.email ?? '',
        account.groups.join(','),
        stateOf(account),
      ]),
    ),
  }
}
