import { CommanderError, type Command } from 'commander'
import type { JsonObject } from '../../domain/json.ts'
import type { Account } from '../../ports/accounts.ts'
import { findByName } from '../accounts/people.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import {
  answer,
  command,
  EXIT,
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

/** The parts of an account that may be shown: no hash, no secret. */
export function shown(account: Account): JsonObject {
  return {
    id: account.id,
    username: account.username,
    ...(account.email === undefined
      ? {}
      : { email: account.email, email_verified: account.emailVerified }),
    addresses: (account.addresses ?? []).map(({ address, verifiedAt }) => ({
      address,
      verified_at: verifiedAt,
    })),
    groups: account.groups,
    claims: account.claims,
    created_at: account.createdAt,
    disabled: account.disabledAt !== undefined,
    password: account.passwordHash === undefined ? 'none' : 'set',
  }
}

/** A command line that the parser takes and that makes no sense. */
export function usage(message: string): CommanderError {
  return new CommanderError(EXIT.usage, 'usage', `error: ${message}`)
}
