import type { Command } from 'commander'
import { readClaims, type GivenClaims } from '../accounts/claims.ts'
import { contextWordsOf, judgePassword } from '../accounts/password-policy.ts'
import { addPerson } from '../accounts/people.ts'
import { readJson } from './read.ts'
import { makeLink, MAIL_OPTION, requireAddress, requireMail } from './set-up-links.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, Refusal, type Options, type Output, type Terminal } from './terminal.ts'
import { shown, usage } from './user-about.ts'

/** `user add`: adds a person, with a set-up link or, for automation, with a password from standard input. */
export function addUserAddCommand(user: Command, terminal: Terminal): void {
  const add = command(
    user,
    'add',
    'add a person and print a one-time link that sets their password',
  )
    .argument('<name>', 'user name')
    .option('--email <address>', 'address; taken as verified by the operator')
    .option('--email-unverified', 'the address is not verified: nobody signs in by it')
    .option('--group <group>', 'a group; may be repeated', collect, [])
    .option('--claims <file>', 'JSON file of standard claims (OpenID Connect Core 5.1)')
    .option('--password-stdin', 'read the password from one line of standard input')
    .option(...MAIL_OPTION)
  answer(terminal, add, async ([name = ''], options) => {
    const linkMaking = options['passwordStdin'] !== true
    if (!linkMaking && options['mail'] === true)
      throw usage('--mail needs a link, and --password-stdin makes none.')
    return withSession(terminal, (session) => addTo({ session, terminal }, name, options), {
      linkMaking,
    })
  })
}

async function addTo(
  { session, terminal }: { readonly session: Session; readonly terminal: Terminal },
  name: string,
  options: Options,
): Promise<Output> {
  const { foundation } = session
  const claims = await claimsFrom(terminal, options['claims'])
  const email = text(options['email']) ?? claims.email
  if (claims.email !== undefined && email !== claims.email)
    throw new Refusal('claims', 'The file of claims has another address than --email.')
  const emailVerified = options['emailUnverified'] !== true && (claims.emailVerified ?? true)
  const address = { emailVerified, ...(email === undefined ? {} : { email }) }
  const mail = options['mail'] === true
  if (mail) requireMail(session)
  if (mail) requireAddress(address)
  const passwordHash =
    options['passwordStdin'] === true
      ? await newPasswordHash(session, await passwordFrom(terminal), { username: name, email })
      : undefined
  const { storage, clock, random } = foundation
  const added = await addPerson(
    { accounts: storage.accounts, clock, random },
    {
      ...address,
      username: name,
      groups: options['group'] as string[],
      claims: claims.claims,
      ...(passwordHash === undefined ? {} : { passwordHash }),
    },
  )
  if (!added.ok) throw new Refusal(added.fault, WHY_NOT_ADDED[added.fault])
  const { account } = added
  await foundation.record('user-added', { accountId: account.id })
  const before = `${account.username} was added.`
  if (passwordHash !== undefined) return { json: shown(account), text: `${before}\n` }
  return makeLink(session, account, {
    kind: 'invitation',
    mail,
    before,
    effect: 'sets the password',
  })
}

export const WHY_NOT_ADDED = {
  'username-unfit': 'This cannot be a user name.',
  'email-unfit': 'This is no mail address.',
  'group-unfit': 'This cannot be the name of a group.',
  taken: 'This name or address belongs to somebody already.',
} as const

async function newPasswordHash(
  { foundation }: Session,
  typed: string,
  about: { username: string; email: string | undefined },
): Promise<string> {
  const { minimumPasswordLength: minimumLength, serviceName } = foundation
  const verdict = await judgePassword(typed, {
    minimumLength,
    contextWords: contextWordsOf(about, serviceName),
  })
  if (verdict.accepted) return foundation.hasher.hash(verdict.password)
  throw new Refusal(
    `password-${verdict.reason}`,
    WHY_NOT_THAT_PASSWORD[verdict.reason](minimumLength),
  )
}

async function passwordFrom(terminal: Terminal): Promise<string> {
  const typed = await terminal.readLine()
  if (typed === '')
    throw new Refusal('password-missing', 'Standard input has no line with the password.')
  return typed
}

const WHY_NOT_THAT_PASSWORD = {
  'too-short': (minimum: number) => `The password needs ${minimum} characters at least.`,
  'too-long': () => 'The password is too long.',
  blocked: () => 'The password is one of those that are guessed first.',
  'contains-name': () => 'The password says little more than the name.',
} as const

/** Reads a file of claims. Throws Refusal `claims`, `file-unreadable`. */
export async function claimsFrom(terminal: Terminal, path: unknown): Promise<GivenClaims> {
  if (typeof path !== 'string') return { claims: {} }
  const reading = readClaims(await readJson(terminal, path))
  if (!reading.ok)
    throw new Refusal('claims', ['The claims cannot be used:', ...reading.faults].join('\n  '))
  return reading
}

/** An option that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
