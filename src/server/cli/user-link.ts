import type { Command } from 'commander'
import type { Account } from '../../ports/accounts.ts'
import { accountBatches } from '../accounts/batches.ts'
import { mailedLinks } from '../accounts/mailed-link.ts'
import { setUpAddress, setUpLetter } from '../accounts/set-up-letter.ts'
import type { Letter } from '../notices/letters.ts'
import { setUpLinksOf } from '../pages/links.ts'
import { mailRound } from './mail-round.ts'
import { makeLink, MAIL_OPTION, requireAddress, requireMail } from './set-up-links.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, type Output, type Terminal } from './terminal.ts'
import { find, usage } from './user-about.ts'

/** `user link`: one-time links with which people set a password. */
export function addUserLinkCommand(user: Command, terminal: Terminal): void {
  const link = command(
    user,
    'link',
    'print a one-time link with which somebody sets a password; their second factors stay',
  )
    .argument('[name]', 'user name or verified address')
    .option(...MAIL_OPTION)
    .option('--all-without-password', 'everybody who has no password, with --mail')
    .option('--again', 'with --all-without-password: also people who got a mail in the last day')
  answer(terminal, link, async ([name], { mail, allWithoutPassword, again }) => {
    const toAll = allWithoutPassword === true
    if (toAll === (name !== undefined)) throw usage('Name one person, or --all-without-password.')
    if (toAll && mail !== true) throw usage('--all-without-password needs --mail.')
    if (again === true && !toAll) throw usage('--again needs --all-without-password.')
    return withSession(
      terminal,
      (session) =>
        name === undefined
          ? linkAll(session, { again: again === true })
          : linkOne(session, name, { mail: mail === true }),
      { linkMaking: true },
    )
  })
}

async function linkOne(
  session: Session,
  name: string,
  { mail }: { readonly mail: boolean },
): Promise<Output> {
  const account = await find(session, name)
  if (mail) requireMail(session)
  if (mail) requireAddress(account)
  return makeLink(session, account, {
    kind: account.passwordHash === undefined ? 'invitation' : 'reset',
    mail,
    effect: `sets the password of ${account.username}`,
  })
}

/**
 * Mails an invitation to everybody who has no password, batch by batch; unless `again` is set, not to people to whom a
 * link was mailed in the last day and is not void. While the mail server takes nothing, the mails of further batches are
 * left to the server, so that the command does not wait for each of them.
 */
async function linkAll(session: Session, { again }: { readonly again: boolean }): Promise<Output> {
  requireMail(session)
  const { storage, letters, clock } = session.foundation
  const mailed = mailedLinks({ oneTime: storage.oneTime, clock })
  const round = mailRound(session)
  let [noAddress, skipped] = [0, 0]
  for await (const batch of accountBatches(storage.accounts)) {
    const invitations: Invitation[] = []
    for (const account of batch) {
      if (account.passwordHash !== undefined || isDisabled(account)) continue
      const to = setUpAddress(account)
      if (to === undefined) noAddress += 1
      else if (!again && (await mailed.isFresh(account))) skipped += 1
      else invitations.push({ account, letter: await invitationTo(session, account, to) })
    }
    if (invitations.length === 0) continue
    await letters.put(invitations.map(({ letter }) => letter))
    for (const { account } of invitations) await mailed.note(account)
    await round.send(invitations.map(({ letter }) => letter))
    for (const { account, letter } of invitations)
      if (round.hasFailed(letter)) await mailed.forget(account)
  }
  return summaryOf({ ...round.counts(), noAddress, skipped })
}

interface Invitation {
  readonly account: Account
  readonly letter: Letter
}

async function invitationTo(
  { foundation, mfa }: Session,
  account: Account,
  to: string,
): Promise<Letter> {
  const link = await setUpLinksOf(foundation, mfa).make(account, 'invitation')
  return setUpLetter(account, to, { link, kind: 'invitation', now: foundation.clock.now() })
}

interface Counts {
  readonly sent: number
  readonly waiting: number
  readonly failed: number
  readonly noAddress: number
  readonly skipped: number
}

function summaryOf({ sent, waiting, failed, noAddress, skipped }: Counts): Output {
  return {
    json: { sent, waiting, failed, no_address: noAddress, skipped },
    text: [
      `Sent: ${sent}.`,
      ...(waiting === 0 ? [] : [`Waiting, and sent by the server: ${waiting}.`]),
      ...(failed === 0 ? [] : [`Failed, and not tried again: ${failed}.`]),
      ...(skipped === 0
        ? []
        : [
            `Skipped, because a link was mailed in the last 24 hours: ${skipped}. --again mails it.`,
          ]),
      ...(noAddress === 0 ? [] : [`Without a verified address: ${noAddress}.`]),
      '',
    ].join('\n'),
    ...(failed === 0 ? {} : { failed: true as const }),
  }
}

function isDisabled({ disabledAt }: Account): boolean {
  return disabledAt !== undefined
}
