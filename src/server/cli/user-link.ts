import type { Command } from 'commander'
import type { Account } from '../../ports/accounts.ts'
import { accountBatches } from '../accounts/batches.ts'
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
  answer(terminal, link, async ([name], { mail, allWithoutPassword }) => {
    const toAll = allWithoutPassword === true
    if (toAll === (name !== undefined)) throw usage('Name one person, or --all-without-password.')
    if (toAll && mail !== true) throw usage('--all-without-password needs --mail.')
    return withSession(
      terminal,
      (session) =>
        name === undefined ? linkAll(session) : linkOne(session, name, { mail: mail === true }),
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
 * Mails an invitation to everybody who has no password, batch by batch. While the mail server takes nothing, the mails of
 * further batches are left to the server, so that the command does not wait for each of them.
 */
async function linkAll(session: Session): Promise<Output> {
  requireMail(session)
  const { storage, letters } = session.foundation
  const round = mailRound(session)
  let noAddress = 0
  for await (const batch of accountBatches(storage.accounts)) {
    const people = batch.filter((one) => one.passwordHash === undefined && !isDisabled(one))
    const invitations = await invitationsTo(session, people)
    noAddress += people.length - invitations.length
    if (invitations.length === 0) continue
    await letters.put(invitations)
    await round.send(invitations)
  }
  return summaryOf({ ...round.counts(), noAddress })
}

async function invitationsTo(
  { foundation, mfa }: Session,
  people: readonly Account[],
): Promise<readonly Letter[]> {
  const links = setUpLinksOf(foundation, mfa)
  const letters: Letter[] = []
  for (const account of people) {
    const to = setUpAddress(account)
    if (to === undefined) continue
    const link = await links.make(account, 'invitation')
    const now = foundation.clock.now()
    letters.push(setUpLetter(account, to, { link, kind: 'invitation', now }))
  }
  return letters
}

interface Counts {
  readonly sent: number
  readonly waiting: number
  readonly failed: number
  readonly noAddress: number
}

function summaryOf({ sent, waiting, failed, noAddress }: Counts): Output {
  return {
    json: { sent, waiting, failed, no_address: noAddress },
    text: [
      `Sent: ${sent}.`,
      ...(waiting === 0 ? [] : [`Waiting, and sent by the server: ${waiting}.`]),
      ...(failed === 0 ? [] : [`Failed, and not tried again: ${failed}.`]),
      ...(noAddress === 0 ? [] : [`Without a verified address: ${noAddress}.`]),
      '',
    ].join('\n'),
    ...(failed === 0 ? {} : { failed: true as const }),
  }
}

function isDisabled({ disabledAt }: Account): boolean {
  return disabledAt !== undefined
}
