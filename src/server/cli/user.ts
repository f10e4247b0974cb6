import type { Command } from 'commander'
import type { Account } from '../../ports/accounts.ts'
import { accountBatches } from '../accounts/batches.ts'
import {
  changeAccount,
  findByName,
  voidSetUpLinks,
  withdrawCredentials,
} from '../accounts/people.ts'
import { setUpLinksOf } from '../pages/links.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import {
  answer,
  command,
  readingCommand,
  moment,
  Refusal,
  table,
  type Output,
  type Terminal,
} from './terminal.ts'
import { addUserAddCommand, shown } from './user-add.ts'
import { addUserHashesCommand } from './user-hashes.ts'
import { addUserSessionCommands } from './user-sessions.ts'
import { addUserImportCommand } from '../import/user-import.ts'

/**
 * `user ...`: the people of the server. No command reads or shows a secret of a second factor; only `user add` reads
 * a password, and none shows one (R36).
 */
export function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who sign in')
  addUserAddCommand(user, terminal)
  addUserImportCommand(user, terminal)
  addUserHashesCommand(user, terminal)
  answer(terminal, readingCommand(user, 'list', 'list people'), async () =>
    withSession(terminal, list),
  )
  addCommandAbout(user, terminal, 'show', 'show a person and their second factors', show, {
    reads: true,
  })
  addCommandAbout(
    user,
    terminal,
    'disable',
    'refuse sign-ins and end everything live at once',
    disable,
  )
  addCommandAbout(user, terminal, 'enable', 'allow sign-ins again', enable)
  addUserSessionCommands(user, terminal, async (session, name) => (await find(session, name)).id)
  addCommandAbout(
    user,
    terminal,
    'link',
    'print a one-time link with which somebody sets a password; their second factors stay',
    makeLink,
    { linkMaking: true },
  )
  addResetCommand(user, terminal)
}

type Deed = (session: Session, name: string) => Promise<Output>

/** A command below `user` that takes the name of one person. */
function addCommandAbout(
  user: Command,
  terminal: Terminal,
  name: string,
  summary: string,
  deed: Deed,
  { reads = false, ...needs }: SessionNeeds & { readonly reads?: boolean } = {},
): void {
  const made = (reads ? readingCommand : command)(user, name, summary).argument(
    '<name>',
    'user name or verified address',
  )
  answer(terminal, made, async ([typed = '']) =>
    withSession(terminal, (session) => deed(session, typed), needs),
  )
}

async function list({ foundation }: Session): Promise<Output> {
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

async function show(session: Session, name: string): Promise<Output> {
  const account = await find(session, name)
  const mfa = await session.mfa.accounts.status(account.id)
  return {
    json: { ...shown(account), mfa: inSnakeCase(mfa) },
    text: [...linesAbout(account), ...linesAboutMfa(mfa), ''].join('\n'),
  }
}

function linesAbout(account: Account): string[] {
  const lines = [`${account.username} (${account.id}): ${stateOf(account)}`]
  if (account.email !== undefined)
    lines.push(`address: ${account.email}${account.emailVerified ? '' : ' (not verified)'}`)
  for (const { address, verifiedAt } of account.addresses ?? [])
    lines.push(`address for notices: ${address}, verified ${moment(verifiedAt)}`)
  lines.push(`groups: ${account.groups.join(', ') || 'none'}`)
  return lines
}

type MfaStatus = Awaited<ReturnType<Session['mfa']['accounts']['status']>>

/** Answers the lines of `user show` about the second factor of an account, for a person at a help desk. */
export function linesAboutMfa(mfa: MfaStatus): string[] {
  const lines = mfa.factors.map(lineAboutFactor)
  if (mfa.factors.length === 0) lines.push('no second factor')
  if (mfa.lockedUntil !== undefined)
    lines.push(`too many wrong codes: strangers wait until ${moment(mfa.lockedUntil)}`)
  if (mfa.passwordSuspected)
    lines.push('somebody else may know the password: new browsers need another one first')
  if (mfa.codesDisabled) lines.push('too many wrong codes in 30 days: codes are turned off')
  if (mfa.frozenAt !== undefined)
    lines.push(
      `locked by its owner since ${moment(mfa.frozenAt)}, until a second factor is proved or set up, or reset-mfa`,
    )
  if (mfa.recovery !== undefined) {
    const { state, since, until } = mfa.recovery
    const next = state === 'waiting' ? 'a replacement can be set up from' : 'open until'
    lines.push(`recovery in progress since ${moment(since)}: ${next} ${moment(until)}`)
  }
  if (mfa.mustEnrolSince !== undefined)
    lines.push('it was on where they come from: the next sign-in sets one up, with a proof')
  return lines
}

function lineAboutFactor(held: MfaStatus['factors'][number]): string {
  const { factor, name, createdAt, lastUsedAt, renewBy, remaining } = held
  const parts = [`${factor}${name === '' ? '' : ` "${name}"`}: added ${moment(createdAt)}`]
  if (renewBy !== undefined) parts.push(`weak: ends ${moment(renewBy)}`)
  parts.push(`last used ${moment(lastUsedAt) || 'never'}`)
  if (remaining !== undefined) parts.push(`${remaining} left`)
  return parts.join(', ')
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

async function makeLink(session: Session, name: string): Promise<Output> {
  const account = await find(session, name)
  const kind = account.passwordHash === undefined ? 'invitation' : 'reset'
  const link = await setUpLinksOf(session.foundation, session.mfa).make(account, kind)
  return {
    json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
    text: `This link sets the password of ${account.username}, once, until ${moment(link.expiresAt)}:\n${link.url}\n`,
  }
}

function addResetCommand(user: Command, terminal: Terminal): void {
  const made = command(
    user,
    'reset-mfa',
    'remove second factors and end everything live; prints a one-time link if a factor has to be set up again',
  )
    .argument('<name>', 'user name or verified address')
    .option(
      '--factor <id>',
      'only this factor, such as totp; all, if none that lasts would be left',
    )
    .option('--password', 'the password goes too, and the link sets another one')
  answer(terminal, made, async ([typed = ''], options) =>
    withSession(terminal, (session) => resetMfa(session, typed, options), { linkMaking: true }),
  )
}

interface ResetOptions {
  readonly factor?: string
  readonly password?: boolean
}

async function resetMfa(
  session: Session,
  name: string,
  { factor, password = false }: ResetOptions,
): Promise<Output> {
  const { storage, clock } = session.foundation
  const { id } = await find(session, name)
  const { factors } = await session.mfa.accounts.status(id)
  if (factor !== undefined && !factors.some((held) => held.factor === factor))
    throw new Refusal('factor-unknown', `${name} has no factor "${factor}".`)
  // Earlier links and proofs end first: with one, an attacker could enrol a factor in between (R10).
  if (password) await withdrawCredentials({ accounts: storage.accounts, clock }, id)
  else await voidSetUpLinks(storage.accounts, id)
  await session.mfa.accounts.reset(id, factor === undefined ? {} : { factor })
  const { enrolled } = await session.mfa.accounts.status(id)
  const account = await find(session, name)
  const hasPassword = account.passwordHash !== undefined
  if (enrolled && hasPassword)
    return {
      json: shown(account),
      text: `The factor ${factor} of ${account.username} is removed. The others stay, and so does the password.\n`,
    }
  const kind = hasPassword ? 'enrolment' : 'reset'
  const link = await setUpLinksOf(session.foundation, session.mfa).make(account, kind)
  const deed = hasPassword
    ? 'The password stays. This link lets a new factor be set up'
    : 'This link sets a new password'
  return {
    json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
    text:
      `The second factors of ${account.username} are removed. ${deed}, ` +
      `once, until ${moment(link.expiresAt)}; a new factor is set up at the next sign-in:\n${link.url}\n`,
  }
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

/** Writes member names in snake_case, as the command line does everywhere. */
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
