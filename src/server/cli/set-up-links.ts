import type { Account } from '../../ports/accounts.ts'
import { mailedLinks } from '../accounts/mailed-link.ts'
import { setUpAddress, setUpLetter } from '../accounts/set-up-letter.ts'
import type { LinkKind, SetUpLink } from '../accounts/set-up-link.ts'
import { letterId } from '../notices/letters.ts'
import { setUpLinksOf } from '../pages/links.ts'
import type { Session } from './session.ts'
import { moment, Refusal, type Output } from './terminal.ts'
import { shown } from './user-about.ts'

export const MAIL_OPTION = [
  '--mail',
  'mail the link to the person in place of printing it',
] as const

/** A command that makes a link, with the words of its output. */
export interface LinkMaking {
  readonly kind: LinkKind
  /** Mail the link. `requireMail` has checked that this is possible. */
  readonly mail: boolean
  /** A sentence for each thing that was done before. */
  readonly before?: string
  /** The effect of the link, such as `sets the password`. */
  readonly effect: string
  /** The end of the sentence, such as the next step of the person. */
  readonly after?: string
}

/** Makes a link and prints it, or mails it and says whether it was sent. */
export async function makeLink(
  session: Session,
  account: Account,
  { kind, mail, before = '', effect, after = '' }: LinkMaking,
): Promise<Output> {
  const { foundation, mfa } = session
  // A raised epoch withdraws the mails with links that wait: its event must come before this mail.
  if (mail) await mfa.settled()
  const link = await setUpLinksOf(foundation, mfa).make(account, kind)
  const words = `${before === '' ? '' : `${before} `}${mail ? 'The' : 'This'} link ${effect}, once, until ${moment(link.expiresAt)}${after}`
  const about = { ...shown(account), expires_at: link.expiresAt }
  if (!mail) return { json: { ...about, set_up_link: link.url }, text: `${words}:\n${link.url}\n` }
  const { address, outcome, fault } = await mailLink(session, account, { link, kind })
  return {
    json: { ...about, mail: { address, outcome, fault } },
    text: `${words}.\n${SENT[outcome](address)}\n`,
    ...(outcome === 'given-up' ? { failed: true as const } : {}),
  }
}

/** The reason why a mail was not sent is on standard error. */
const SENT = {
  sent: (address: string) => `It was sent to ${address}.`,
  waiting: (address: string) => `It waits to be sent to ${address}.`,
  'given-up': (address: string) => `It was not sent to ${address}, and nobody tries again.`,
} as const

interface Mailed {
  readonly address: string
  readonly outcome: keyof typeof SENT
  readonly fault: string | null
}

async function mailLink(
  session: Session,
  account: Account,
  { link, kind }: { readonly link: SetUpLink; readonly kind: LinkKind },
): Promise<Mailed> {
  const { letters, clock, storage } = session.foundation
  const address = requireAddress(account)
  const letter = setUpLetter(account, address, { link, kind, now: clock.now() })
  await letters.put([letter])
  const mailed = mailedLinks({ oneTime: storage.oneTime, clock })
  await mailed.note(account)
  const attempts = (await session.sendDue()) ?? []
  const last = attempts.findLast(({ id }) => id === letterId(letter))
  if (last === undefined) return { address, outcome: 'waiting', fault: null }
  if (last.outcome === 'sent') return { address, outcome: 'sent', fault: null }
  const outcome = last.outcome === 'postponed' ? 'waiting' : 'given-up'
  if (outcome === 'given-up') await mailed.forget(account)
  return { address, outcome, fault: last.fault }
}

/** Throws Refusal `mail-unset`, before anything is changed. */
export function requireMail({ foundation }: Session): void {
  if (foundation.config.mail === undefined)
    throw new Refusal('mail-unset', 'SMTP_URL is not set: nothing was changed, no link was made.')
}

/** The verified address of a person. Throws Refusal `no-address`, before anything is changed. */
export function requireAddress(account: Pick<Account, 'email' | 'emailVerified'>): string {
  const address = setUpAddress(account)
  if (address !== undefined) return address
  throw new Refusal(
    'no-address',
    'This person has no verified address: nothing was changed, no link was made.',
  )
}
