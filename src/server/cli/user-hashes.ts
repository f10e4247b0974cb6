import type { Command } from 'commander'
import { hashKindsInUse } from '../accounts/hash-kinds.ts'
import { withSession } from './session.ts'
import { answer, command, table, type Terminal } from './terminal.ts'

/** `user hashes`: counts the kinds of password hashes, since each imported kind adds a hash to every sign-in. */
export function addUserHashesCommand(user: Command, terminal: Terminal): void {
  const hashes = command(
    user,
    'hashes',
    'count the kinds of password hashes; each imported one costs every sign-in',
  ).option('--prune', 'drop the kinds that no account has any more')
  answer(terminal, hashes, async (_args, { prune }) =>
    withSession(terminal, async ({ foundation }) => {
      const { hashKinds, storage, hasher } = foundation
      const uses = await hashKindsInUse(hashKinds, storage.accounts, hasher.kind)
      const unused = uses.filter(({ accounts }) => accounts === 0).map(({ kind }) => kind)
      const dropped = prune === true ? await hashKinds.drop(unused) : []
      return {
        json: { kinds: uses.filter(({ kind }) => !dropped.includes(kind)), dropped },
        text: [
          table(
            ['KIND', 'ACCOUNTS', 'STATE'],
            uses.map(({ kind, accounts, state }) => [
              kind,
              String(accounts),
              dropped.includes(kind) ? 'dropped' : state,
            ]),
          ),
        ].join(''),
      }
    }),
  )
}
