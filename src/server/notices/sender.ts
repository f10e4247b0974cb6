import { isRefusedForGood, type Mail } from '../../adapters/mail/index.ts'
import type { Mfa } from '../../index.ts'
import { DAY_SECONDS, HOUR_SECONDS, type Instant } from '../../domain/time.ts'
import type { ClaimedRow, Outbox } from '../../ports/outbox.ts'
import type { Clock } from '../../ports/services.ts'
import type { Record } from '../observe/audit.ts'
import type { Logger } from '../observe/log.ts'
import type { Letters, LetterText } from './letters.ts'
import { faultOfMail } from './mail-fault.ts'

/** Where mails go: a mail server, or files. */
export interface Post {
  send(mail: Mail, signal?: AbortSignal): Promise<void>
  /** How many mails are sent at once. With 1 they go in their order. */
  readonly lanes: number
}

/** One attempt to send a mail. */
export type MailTried = {
  readonly id: string
  /** Absent: the mail does not open with our keys. */
  readonly template?: string
} & (
  | { readonly outcome: 'sent' }
  | {
      readonly outcome: 'postponed'
      /** A line for an operator, without an address and without a part of the mail. */
      readonly fault: string
    }
  | {
      readonly outcome: 'given-up'
      readonly fault: string
      /** `refused`: the mail server refuses this recipient or mail for good. `not-accepted`: the time was over. */
      readonly reason: 'refused' | 'not-accepted'
    }
)

export interface SenderServices {
  readonly outbox: Outbox
  readonly letters: Letters
  readonly post: Post
  readonly mfa: Pick<Mfa, 'views' | 'notMeUrl' | 'cancelRecoveryUrl'>
  readonly clock: Clock
  readonly record: Record
  /** Is told of each attempt. */
  readonly tried?: ((tried: MailTried) => void) | undefined
  readonly log?: Pick<Logger, 'warn' | 'error'> | undefined
  /** The issuer: its host is in each Message-ID, and links are made from it (R12). */
  readonly issuer: string
  /** Values of every mail: the name of the service, and its links. */
  readonly values: Readonly<globalThis.Record<string, string>>
}

export interface LetterSender {
  /** Sends every letter that is due, until `mayGoOn` says no. Rejects if the storage fails. */
  sendDue(mayGoOn?: () => boolean): Promise<void>
}

/** How long one attempt may take. A sender that is gone for longer counts as dead, and another sends the letter. */
const ATTEMPT_SECONDS = 25
const CLAIM_SECONDS = 30
const FIRST_RETRY_SECONDS = 15
const LONGEST_RETRY_SECONDS = HOUR_SECONDS
/** A mail that is due later was put or postponed under a wrong clock: it would wait for as long as that was ahead. */
const LATEST_DUE_SECONDS = 2 * LONGEST_RETRY_SECONDS
const TRIED_FOR_SECONDS = DAY_SECONDS
/** How long the id of a letter stays known after it was sent: events are told again soon, if at all. */
export const KNOWN_SECONDS = 7 * DAY_SECONDS

/**
 * Sends the letters of the outbox, each at least once: it claims one, sends it, and finishes it. A letter whose sender
 * dies in between is sent again with the same Message-ID, by which mail programs recognise it.
 */
export function letterSender(services: SenderServices): LetterSender {
  const { outbox, clock, post } = services
  const lane = async (mayGoOn: () => boolean): Promise<void> => {
    while (mayGoOn()) {
      const now = clock.now()
      const row = await outbox.claim(now, now + CLAIM_SECONDS, now + LATEST_DUE_SECONDS)
      if (row === undefined) return
      await attempt(services, row)
    }
  }
  return {
    async sendDue(mayGoOn = () => true) {
      await Promise.all(Array.from({ length: post.lanes }, () => lane(mayGoOn)))
    },
  }
}

/** The seconds until the next attempt after so many: 15, 30, 60 and so on, at most an hour. */
export function retrySeconds(attempts: number): number {
  return Math.min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_RETRY_SECONDS)
}

async function attempt(services: SenderServices, row: ClaimedRow): Promise<void> {
  const { outbox, clock, log } = services
  let text: LetterText | undefined
  try {
    text = services.letters.open(row)
    await send(services, row, text)
  } catch (error) {
    return postpone(services, row, { template: text?.template, error })
  }
  services.tried?.({ id: row.id, template: text.template, outcome: 'sent' })
  if (!(await outbox.finish(row, clock.now() + KNOWN_SECONDS)))
    log?.warn({ letter: row.id }, 'a mail took so long that it may be sent twice')
}

async function send(
  { post, mfa, values, issuer, clock }: SenderServices,
  row: ClaimedRow,
  { to, template, languages, values: own }: LetterText,
): Promise<void> {
  const locale = mfa.views.localeFor({ uiLocales: languages })
  const about = { language: locale, issuer }
  const notMeUrl = mfa.notMeUrl(row.accountId, about)
  const since = own['since']
  const cancelUrl =
    since === undefined
      ? {}
      : { cancelUrl: mfa.cancelRecoveryUrl(row.accountId, { ...about, since: Number(since) }) }
  const text = mfa.views.renderMail(template, { ...values, notMeUrl, ...cancelUrl, ...own }, locale)
  // An attempt ends with the code or link in the mail.
  const seconds = Math.min(ATTEMPT_SECONDS, (row.until ?? Infinity) - clock.now())
  const mail = { to, ...text, messageId: `<${row.id}@${new URL(issuer).hostname}>` }
  await post.send(mail, AbortSignal.timeout(Math.max(seconds, 0) * 1000))
}

/** A letter that cannot be sent now is tried again, unless it is refused for good or its time is over. */
async function postpone(
  services: SenderServices,
  row: ClaimedRow,
  { template, error }: { readonly template: string | undefined; readonly error: unknown },
): Promise<void> {
  const { outbox, clock, log } = services
  const now = clock.now()
  const dueAt = now + retrySeconds(row.claims)
  const reason = isRefusedForGood(error)
    ? 'refused'
    : dueAt >= endOf(row)
      ? 'not-accepted'
      : undefined
  const fault = faultOfMail(error)
  const about = { id: row.id, ...(template === undefined ? {} : { template }), fault }
  if (reason === undefined) {
    services.tried?.({ ...about, outcome: 'postponed' })
    log?.warn({ letter: row.id, attempts: row.claims, error }, 'a mail was not sent yet')
    await outbox.postpone(row, dueAt, fault)
    return
  }
  services.tried?.({ ...about, outcome: 'given-up', reason })
  log?.error({ letter: row.id, attempts: row.claims, error }, 'a mail was given up')
  if (await outbox.finish(row, now + KNOWN_SECONDS))
    await services.record('mail-not-delivered', { accountId: row.accountId, detail: { reason } })
}

function endOf({ until = Infinity, firstClaimedAt }: ClaimedRow): Instant {
  return Math.min(until, firstClaimedAt + TRIED_FOR_SECONDS)
}
