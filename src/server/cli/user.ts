import type { Command } from 'commander'
import { addUserImportCommand } from '../import/user-import.ts'
import { changeAccount } from '../accounts/people.ts'
import { type Session } from './session.ts'
import { type Output, type Terminal } from './terminal.ts'
import { addCommandAbout, find, type Deed, type Needs, shown } from './user-about.ts'
import { addUserAddCommand } from './user-add.ts'
import { addUserHashesCommand } from './user-hashes.ts'
import { addUserLinkCommand } from './user-link.ts'
import { addUserListCommand } from './user-list.ts'
import { addUserRemoveCommand } from './user-remove.ts'
import { addResetCommand } from './user-reset.ts'
import { addUserSessionCommands } from './user-sessions.ts'
import { addUserSetCommand } from './user-set.ts'
import { show } from './user-show.ts'
import { unlock } from './user-unlock.ts'

/**
 * `user ...`: the people of the server. No command reads or shows a secret of a second factor; only `user add` reads
 * a password, and none shows one (R36).
 */
export function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who sign in')
  addUserAddCommand(user, terminal)
  addUserImportCommand(user, terminal)
  addUserHashesCommand(user, terminal)
  addUserListCommand(user, terminal)
  addUserSetCommand(user, terminal)
  addUserRemoveCommand(user, terminal)
  const add = (name: string, summary: string, deed: Deed, needs?: Needs): Command =>
    addCommandAbout(user, terminal, { name, summary }, deed, needs)
  add('show', 'show a person and their second factors', show, { reads: true })
  add('disable', 'refuse sign-ins and end everything live at once', disable)
  add('enable', 'allow sign-ins again', enable)
  add('unlock', 'end the locks after wrong passwords and codes', unlock)
  addUserSessionCommands(user, terminal, async (session, name) => (await find(session, name)).id)
  addUserLinkCommand(user, terminal)
  addResetCommand(user, terminal)
}

async function disable(session: Session, name: string): Promise<Output> {
  const { storage, clock, record } = session.foundation
  const { id } = await find(session, name)
  const now = clock.now()
  const account = await changeAccount(storage.accounts, id, (current) => ({
    ...current,
    disabledAt: current.disabledAt ?? now,
    updatedAt: now,
  }))
  // This runs after the change and each time, so that a second run completes a first one that broke off here.
  await session.mfa.accounts.endEverything(id, 'disabled')
  await record('user-disabled', { accountId: id })
  return { json: account && shown(account), text: `${name} is disabled.\n` }
}

async function enable(session: Session, name: string): Promise<Output> {
  const { storage, clock, record } = session.foundation
  const { id } = await find(session, name)
  const account = await changeAccount(storage.accounts, id, ({ disabledAt: _, ...current }) => ({
    ...current,
    updatedAt: clock.now(),
  }))
  await record('user-enabled', { accountId: id })
  return { json: account && shown(account), text: `${name} can sign in again.\n` }
}
