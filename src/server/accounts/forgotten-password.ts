import { HOUR_SECONDS, MINUTE_SECONDS } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { Clock } from '../../ports/services.ts'
import type { SendLetter } from '../notices/letters.ts'
import type { Record, Refusals } from '../observe/audit.ts'
import { languagesFor } from './language.ts'
import { findByName } from './people.ts'
import { mayReset, RESET_SECONDS, type ResetLinks, type ResetUse } from './reset-link.ts'

export interface ForgottenPasswordServices {
  readonly accounts: Accounts
  readonly counters: Counters
  readonly clock: Clock
  readonly links: ResetLinks
  readonly send: SendLetter
  readonly record: Record
  readonly refusals: Pick<Refusals, 'record'>
  readonly serviceName: string
  /** The page where people find help, if the settings name one. */
  readonly helpUrl?: string | undefined
}

/** The request in which something was asked or done. */
export interface Sender {
  readonly ip: string
  readonly userAgent: string
  /** The language of the page (BCP 47). */
  readonly locale: string
}

export interface ForgottenPassword {
  /**
   * Mails a link to the account of this name, or does nothing: there is no such account, none may be mailed, or too many
   * were. It takes longer for a name that exists, so it has to run after the answer (R33).
   */
  ask(about: {
    readonly name: string
    readonly sender: Sender
    /** Whether the owner of this account has completed a sign-in in the browser that asks. */
    readonly browserIsKnown: (accountId: string) => Promise<boolean>
  }): Promise<void>
  look: ResetLinks['look']
  use(token: string, password: string, sender: Sender): Promise<ResetUse>
  /** Tells the owner by mail that the password was changed. */
  tell(use: ResetUse & { readonly outcome: 'done' }, sender: Sender): Promise<void>
}

/**
 * The mails of one account in an hour. Strangers who use them up have sent the owner mails with good links; the known
 * browsers of the owner have mails of their own.
 */
const MAILS: CounterLimit = { limit: 5, windowSeconds: HOUR_SECONDS }

/** A person who has forgotten the password asks for a link, and chooses a new password with it. */
export function forgottenPassword(services: ForgottenPasswordServices): ForgottenPassword {
  const { accounts, counters, clock, links, send, record, refusals } = services

  const valuesFor = (account: Account, { userAgent }: Sender) => ({
    issuer: services.serviceName,
    account: account.username,
    at: String(clock.now()),
    browser: userAgent,
    ...(services.helpUrl === undefined ? {} : { helpUrl: services.helpUrl }),
  })

  return {
    look: links.look,

    async ask({ name, sender, browserIsKnown }) {
      const { locale: _, ...place } = sender
      const account = (await findByName(accounts, name))?.account
      const verdict = account === undefined ? { refused: 'unknown' as const } : mayReset(account)
      const about = account === undefined ? {} : { accountId: account.id }
      if (account === undefined || 'refused' in verdict) {
        const reason = 'refused' in verdict ? verdict.refused : 'unknown'
        return refusals.record('password-reset-asked', { ...about, detail: { ...place, reason } })
      }
      const browser = (await browserIsKnown(account.id)) ? 'known' : 'unknown'
      const { allowed } = await counters.reserve(keyOf(browser, account), MAILS, clock.now())
      const detail = { ...place, browser } as const
      if (!allowed)
        return refusals.record('password-reset-asked', {
          ...about,
          detail: { ...detail, reason: 'limit' },
        })
      const { url, expiresAt } = await links.make(account, verdict.address)
      await record('password-reset-asked', { ...about, detail: { ...detail, reason: 'mailed' } })
      await send({
        to: verdict.address,
        template: 'password-reset',
        values: {
          ...valuesFor(account, sender),
          resetUrl: url,
          minutes: String(RESET_SECONDS / MINUTE_SECONDS),
        },
        languages: languagesFor(account, sender.locale),
        until: expiresAt,
      })
    },

    async use(token, password, sender) {
      const use = await links.use(token, password)
      if (use.outcome !== 'done') return use
      const accountId = use.account.id
      await record('password-reset-used', { accountId, detail: sender })
      await record('password-changed', { accountId, detail: { ...sender, reason: 'mail' } })
      return use
    },

    tell: ({ account, address }, sender) =>
      send({
        to: address,
        template: 'password-changed',
        values: valuesFor(account, sender),
        languages: languagesFor(account),
      }),
  }
}

function keyOf(browser: 'known' | 'unknown', { id }: Account): string {
  return `password-reset:${browser}:${id}`
}
