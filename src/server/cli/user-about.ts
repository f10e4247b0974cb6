import type { Command } from 'commander'
import type { Account } from '../../ports/accounts.ts'
import { findByName } from '../accounts/people.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import {
  answer,
  command,
  readingCommand,
  Refusal,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'

export type Deed = (session: Session, name: string, options: Options) => Promise<Output>

export interface Needs extends SessionNeeds {
  /** The command changes nothing. */
  readonly reads?: boolean
}

/** Adds a command below `user` that takes the name of one person. The caller may add options to it. */
export function addCommandAbout(
  user: Command,
  terminal: Terminal,
  { name, summary }: { readonly name: string; readonly summary: string },
  deed: Deed,
  { reads = false, ...needs }: Needs = {},
): Command {
  const made = (reads ? readingCommand : command)(user, name, summary).argument(
    '<name>',
    'user name or verified address',
  )
  answer(terminal, made, async ([typed = ''], options) =>
    withSession(terminal, (session) => deed(session, typed, options), needs),
  )
  return made
}

/** Finds a person by user name or verified address. Throws Refusal `user-unknown`. */
export async function find({ foundation }: Session, name: string): Promise<Account> {
  const stored = await findByName(foundation.storage.accounts, name)
  if (stored === undefined) throw new Refusal('user-unknown', 'There is nobody of this name.')
  return stored.account
}

export function stateOf(account: Account): string {
  if (account.disabledAt !== undefined) return 'disabled'
  return account.passwordHash === undefined ? 'invited' : 'active'
}
