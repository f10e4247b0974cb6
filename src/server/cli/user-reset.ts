import type { Command } from 'commander'
import { voidSetUpLinks, withdrawCredentials } from '../accounts/people.ts'
import { setUpLinksOf } from '../pages/links.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, moment, Refusal, type Output, type Terminal } from './terminal.ts'
import { find } from './user-about.ts'
import { shown } from './user-add.ts'

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
