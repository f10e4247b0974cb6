import type { Command } from 'commander'
import { voidSetUpLinks, withdrawCredentials } from '../accounts/people.ts'
import { makeLink, MAIL_OPTION, requireAddress, requireMail } from './set-up-links.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, Refusal, type Output, type Terminal } from './terminal.ts'
import { find, shown } from './user-about.ts'

/** `user reset-mfa`: removes second factors. */
export function addResetCommand(user: Command, terminal: Terminal): void {
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
    .option(...MAIL_OPTION)
  answer(terminal, made, async ([typed = ''], options) =>
    withSession(terminal, (session) => resetMfa(session, typed, options), { linkMaking: true }),
  )
}

interface ResetOptions {
  readonly factor?: string
  readonly password?: boolean
  readonly mail?: boolean
}

async function resetMfa(
  session: Session,
  name: string,
  { factor, password = false, mail = false }: ResetOptions,
): Promise<Output> {
  const { storage, clock } = session.foundation
  const before = await find(session, name)
  const { id } = before
  if (mail) requireMail(session)
  if (mail) requireAddress(before)
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
  const removed = enrolled
    ? `The factor ${factor} of ${account.username} is removed, and the others stay.`
    : `The second factors of ${account.username} are removed.`
  if (enrolled && hasPassword)
    return { json: shown(account), text: `${removed} The password stays; no link is needed.\n` }
  return makeLink(session, account, {
    kind: hasPassword ? 'enrolment' : 'reset',
    mail,
    before: hasPassword ? `${removed} The password stays.` : removed,
    effect: hasPassword ? 'lets a new factor be set up' : 'sets a new password',
    ...(enrolled ? {} : { after: '; a new factor is set up at the next sign-in' }),
  })
}
