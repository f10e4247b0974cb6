import type { Command } from 'commander'
import type { Account } from '../../ports/accounts.ts'
import { accountBatches } from '../accounts/batches.ts'
import { changeAccount, findByName, withdrawCredentials } from '../accounts/people.ts'
import { setUpLinksOf } from '../pages/links.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, moment, Refusal, table, type Terminal } from './terminal.ts'
import { addUserAddCommand, shown } from './user-add.ts'
import { addUserHashesCommand } from './user-hashes.ts'
import { addUserImportCommand } from './user-import.ts'

/** `user ...`: the people of the server. No command takes or shows a password or a second factor (R36). */
export function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who sign in')

  addUserAddCommand(user, terminal)
  addUserImportCommand(user, terminal)
  addUserHashesCommand(user, terminal)

  answer(terminal, command(user, 'list', 'list people'), async () =>
    withSession(terminal, async ({ foundation }) => {
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
    }),
  )

  answer(
    terminal,
    command(user, 'show', 'show a person and their second factors').argument(
      '<name>',
      'user name or verified address',
    ),
    async ([name = '']) =>
      withSession(terminal, async (session) => {
        const account = await find(session, name)
        const mfa = await session.mfa.accounts.status(account.id)
        return {
          json: { ...shown(account), mfa: inSnakeCase(mfa) },
          text: [
            `${account.username} (${account.id}): ${stateOf(account)}`,
            ...(account.email === undefined
              ? []
              : [`address: ${account.email}${account.emailVerified ? '' : ' (not verified)'}`]),
            `groups: ${account.groups.join(', ') || 'none'}`,
            ...mfa.factors.map(({ factor, name: own, createdAt, lastUsedAt, renewBy, remaining }) =>
              [
                `${factor}${own === '' ? '' : ` "${own}"`}: added ${moment(createdAt)}`,
                ...(renewBy === undefined ? [] : [`weak: ends ${moment(renewBy)}`]),
                `last used ${moment(lastUsedAt) || 'never'}`,
                ...(remaining === undefined ? [] : [`${remaining} left`]),
              ].join(', '),
            ),
            ...(mfa.factors.length === 0 ? ['no second factor'] : []),
            ...(mfa.lockedUntil === undefined
              ? []
              : [`too many wrong codes: strangers wait until ${moment(mfa.lockedUntil)}`]),
            ...(mfa.passwordSuspected
              ? ['somebody else may know the password: new browsers need another one first']
              : []),
            ...(mfa.codesDisabled ? ['too many wrong codes in 30 days: codes are turned off'] : []),
            ...(mfa.mustEnrolSince === undefined
              ? []
              : ['it was on where they come from: the next sign-in sets one up, with a proof']),
            '',
          ].join('\n'),
        }
      }),
  )

  answer(
    terminal,
    command(user, 'disable', 'refuse sign-ins and end everything live at once').argument(
      '<name>',
      'user name or verified address',
    ),
    async ([name = '']) =>
      withSession(terminal, async (session) => {
        const { storage, clock, record } = session.foundation
        const { id } = await find(session, name)
        const now = clock.now()
        const account = await changeAccount(storage.accounts, id, (current) => ({
          ...current,
          disabledAt: current.disabledAt ?? now,
          updatedAt: now,
        }))
        // Afterwards, and each time: a second run mends a first one that broke off here.
        await session.mfa.accounts.endEverything(id, 'disabled')
        await record('user-disabled', { accountId: id })
        return { json: account && shown(account), text: `${name} is disabled.\n` }
      }),
  )

  answer(
    terminal,
    command(user, 'enable', 'allow sign-ins again').argument(
      '<name>',
      'user name or verified address',
    ),
    async ([name = '']) =>
      withSession(terminal, async (session) => {
        const { storage, clock, record } = session.foundation
        const { id } = await find(session, name)
        const account = await changeAccount(
          storage.accounts,
          id,
          ({ disabledAt: _, ...current }) => ({ ...current, updatedAt: clock.now() }),
        )
        await record('user-enabled', { accountId: id })
        return { json: account && shown(account), text: `${name} can sign in again.\n` }
      }),
  )

  answer(
    terminal,
    command(
      user,
      'link',
      'print a one-time link with which somebody sets a password; their second factors stay',
    ).argument('<name>', 'user name or verified address'),
    async ([name = '']) =>
      withSession(terminal, async (session) => {
        const account = await find(session, name)
        const kind = account.passwordHash === undefined ? 'invitation' : 'reset'
        const link = await setUpLinksOf(session.foundation, session.mfa).make(account, kind)
        return {
          json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
          text: `This link sets the password of ${account.username}, once, until ${moment(link.expiresAt)}:\n${link.url}\n`,
        }
      }),
  )

  answer(
    terminal,
    command(
      user,
      'reset-mfa',
      'remove all second factors, end everything live, and print a one-time link for a new password',
    ).argument('<name>', 'user name or verified address'),
    async ([name = '']) =>
      withSession(terminal, async (session) => {
        const { storage, clock } = session.foundation
        const { id } = await find(session, name)
        const account = await withdrawCredentials({ accounts: storage.accounts, clock }, id)
        if (account === undefined) throw unknownUser()
        await session.mfa.accounts.reset(id)
        const link = await setUpLinksOf(session.foundation, session.mfa).make(account, 'reset')
        return {
          json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
          text:
            `The second factors of ${account.username} are removed. This link sets a new password, ` +
            `once, until ${moment(link.expiresAt)}; a new factor is set up at the next sign-in:\n${link.url}\n`,
        }
      }),
  )
}

function stateOf(account: Account): string {
  if (account.disabledAt !== undefined) return 'disabled'
  return account.passwordHash === undefined ? 'invited' : 'active'
}

async function find({ foundation }: Session, name: string): Promise<Account> {
  const stored = await findByName(foundation.storage.accounts, name)
  if (stored === undefined) throw unknownUser()
  return stored.account
}

function unknownUser(): Refusal {
  return new Refusal('user-unknown', 'There is nobody of this name.')
}

/** The names of the answer, as they are everywhere on the command line. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(inner),
    ]),
  )
}
