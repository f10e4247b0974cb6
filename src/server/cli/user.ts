import type { Command } from 'commander'
import { readClaims, type GivenClaims } from '../accounts/claims.ts'
import { judgePassword } from '../accounts/password-policy.ts'
import { addPerson, changeAccount, findByName } from '../accounts/people.ts'
import {
  contextWordsOf,
  setUpLinks,
  type LinkKind,
  type SetUpLink,
} from '../accounts/set-up-link.ts'
import type { Account } from '../../ports/accounts.ts'
import type { JsonObject } from '../../domain/json.ts'
import { readJson } from './read.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, moment, Refusal, table, type Terminal } from './terminal.ts'

const PAGE = 200

/** `user ...`: the people of the server. No command takes or shows a password or a second factor (R36). */
export function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who sign in')

  const add = command(
    user,
    'add',
    'add a person and print a one-time link that sets their password',
  )
    .argument('<name>', 'user name')
    .option('--email <address>', 'address; taken as verified by whoever runs this')
    .option('--email-unverified', 'the address is not verified: nobody signs in by it')
    .option('--group <group>', 'a group; may be repeated', collect, [])
    .option('--claims <file>', 'JSON file of standard claims (OpenID Connect Core 5.1)')
    .option('--password-stdin', 'read the password from one line of standard input')
  answer(terminal, add, async ([name = ''], options) =>
    withSession(terminal, async (session) => {
      const { foundation } = session
      const claims = await claimsFrom(terminal, options['claims'])
      const email = text(options['email']) ?? claims.email
      if (claims.email !== undefined && email !== claims.email)
        throw new Refusal('claims', 'The file of claims has another address than --email.')
      const passwordHash =
        options['passwordStdin'] === true
          ? await newPasswordHash(session, await terminal.readLine(), { username: name, email })
          : undefined
      const added = await addPerson(
        {
          accounts: foundation.storage.accounts,
          clock: foundation.clock,
          random: foundation.random,
        },
        {
          username: name,
          groups: options['group'] as string[],
          claims: claims.claims,
          emailVerified: options['emailUnverified'] !== true && (claims.emailVerified ?? true),
          ...(email === undefined ? {} : { email }),
          ...(passwordHash === undefined ? {} : { passwordHash }),
        },
      )
      if (!added.ok) throw new Refusal(added.fault, WHY_NOT_ADDED[added.fault])
      const { account } = added
      await foundation.record('user-added', { accountId: account.id })
      if (passwordHash !== undefined)
        return { json: shown(account), text: `${account.username} was added.\n` }
      const link = await makeLink(session, account, 'invitation')
      return {
        json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
        text:
          `${account.username} was added. This link sets the password, once, until ` +
          `${moment(link.expiresAt)}:\n${link.url}\n`,
      }
    }),
  )

  answer(terminal, command(user, 'list', 'list people'), async () =>
    withSession(terminal, async ({ foundation }) => {
      const all: Account[] = []
      for (;;) {
        const after = all.at(-1)?.id
        const page = await foundation.storage.accounts.list({
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
        })
        all.push(...page.map(({ account }) => account))
        if (page.length < PAGE) break
      }
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
          json: { ...shown(account), mfa },
          text: [
            `${account.username} (${account.id}): ${stateOf(account)}`,
            ...(account.email === undefined
              ? []
              : [`address: ${account.email}${account.emailVerified ? '' : ' (not verified)'}`]),
            `groups: ${account.groups.join(', ') || 'none'}`,
            ...mfa.factors.map(({ factor, name: own, createdAt, lastUsedAt, remaining }) =>
              [
                `${factor} "${own}": added ${moment(createdAt)}`,
                `last used ${moment(lastUsedAt) || 'never'}`,
                ...(remaining === undefined ? [] : [`${remaining} left`]),
              ].join(', '),
            ),
            ...(mfa.factors.length === 0 ? ['no second factor'] : []),
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
      'reset-mfa',
      'remove all second factors, end everything live, and print a one-time link for a new password',
    ).argument('<name>', 'user name or verified address'),
    async ([name = '']) =>
      withSession(terminal, async (session) => {
        const account = await find(session, name)
        await session.mfa.accounts.reset(account.id)
        const link = await makeLink(session, account, 'reset')
        return {
          json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
          text:
            `The second factors of ${account.username} are removed. This link sets a new password, ` +
            `once, until ${moment(link.expiresAt)}; a new factor is set up at the next sign-in:\n${link.url}\n`,
        }
      }),
  )
}

const WHY_NOT_ADDED = {
  'username-unfit': 'This cannot be a user name.',
  'email-unfit': 'This is no mail address.',
  taken: 'This name or address belongs to somebody already.',
} as const

/** What may be shown: no hash, no secret. */
function shown(account: Account): JsonObject {
  return {
    id: account.id,
    username: account.username,
    ...(account.email === undefined
      ? {}
      : { email: account.email, email_verified: account.emailVerified }),
    groups: account.groups,
    claims: account.claims,
    created_at: account.createdAt,
    disabled: account.disabledAt !== undefined,
    password: account.passwordHash === undefined ? 'none' : 'set',
  }
}

function stateOf(account: Account): string {
  if (account.disabledAt !== undefined) return 'disabled'
  return account.passwordHash === undefined ? 'invited' : 'active'
}

async function find({ foundation }: Session, name: string): Promise<Account> {
  const stored = await findByName(foundation.storage.accounts, name)
  if (stored === undefined) throw new Refusal('user-unknown', 'There is nobody of this name.')
  return stored.account
}

async function makeLink(session: Session, account: Account, kind: LinkKind): Promise<SetUpLink> {
  return linksOf(session).make(account, kind)
}

function linksOf({ foundation, mfa }: Session) {
  const { storage, hasher, clock, random, record, issuer, serviceName } = foundation
  return setUpLinks({
    ...{ accounts: storage.accounts, oneTime: storage.oneTime, counters: storage.counters },
    ...{ hasher, clock, random, record, issuer, serviceName },
    minimumLength: foundation.minimumPasswordLength,
    passwordChanged: (id) => mfa.accounts.passwordChanged(id),
  })
}

async function newPasswordHash(
  { foundation }: Session,
  typed: string,
  about: { username: string; email: string | undefined },
): Promise<string> {
  const { minimumPasswordLength: minimumLength, serviceName } = foundation
  const verdict = judgePassword(typed, {
    minimumLength,
    contextWords: contextWordsOf(about, serviceName),
  })
  if (verdict.accepted) return foundation.hasher.hash(verdict.password)
  throw new Refusal(
    `password-${verdict.reason}`,
    WHY_NOT_THAT_PASSWORD[verdict.reason](minimumLength),
  )
}

const WHY_NOT_THAT_PASSWORD = {
  'too-short': (minimum: number) => `The password needs ${minimum} characters at least.`,
  'too-long': () => 'The password is too long.',
  blocked: () => 'The password is one of those that are guessed first.',
  'contains-name': () => 'The password says little more than the name.',
} as const

async function claimsFrom(terminal: Terminal, path: unknown): Promise<GivenClaims> {
  if (typeof path !== 'string') return { claims: {} }
  const reading = readClaims(await readJson(terminal, path))
  if (!reading.ok)
    throw new Refusal('claims', ['The claims cannot be used:', ...reading.faults].join('\n  '))
  return reading
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
