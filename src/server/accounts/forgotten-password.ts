import { HOUR_SECONDS, MINUTE_SECONDS } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { Clock } from '../../ports/services.ts'
import type { Letters } from '../notices/letters.ts'
import type { Record, Refusals } from '../observe/audit.ts'
import { languagesFor } from './language.ts'
import { findByName } from './people.ts'
import { mayReset, RESET_SECONDS, type ResetLinks, type ResetUse } from './reset-link.ts'

export interface ForgottenPasswordServices {
  readonly accounts: Accounts
  readonly counters: Counters
  readonly clock: Clock
  readonly links: ResetLinks
  readonly letters: Letters
  readonly record: Record
  readonly refusals: Pick<Refusals, 'record'>
  /** Whether the account lets its password be set by mail now: its owner has not locked it (R44). */
  readonly isOpen: (accountId: string) => Promise<boolean>
}

/** The request in which something was asked or done. */
export interface Sender {
  readonly ip: string
  readonly userAgent: string
  /** The language of the page (BCP 47). */
  readonly locale: string
}

export interface AskedForLink {
  /** The user name or verified address, as typed. */
  readonly name: string
  readonly sender: Sender
  /** Whether the owner of this account has completed a sign-in in the browser that asks. */
  readonly browserIsKnown: (accountId: string) => Promise<boolean>
}

export interface ForgottenPassword {
  /**
   * Mails a link to the account of this name, or does nothing: there is no such account, none may be mailed, or too many
   * were. It takes longer for a name that exists, so it has to run after the answer (R33).
   */
  ask(asked: AskedForLink): Promise<void>
  /**
   * Whether this browser may ask where a stranger would be refused: the account of this name knows it, and has asked so
   * a few times in this hour at most, because somebody could use up the kept places with an account of their own (R43).
   * A name without an account costs the same look-ups, so that the time tells nothing (R33).
   */
  mayAskBesideStrangers(asked: Pick<AskedForLink, 'name' | 'browserIsKnown'>): Promise<boolean>
  look: ResetLinks['look']
  use(token: string, password: string, sender: Sender): Promise<ResetUse>
}

/**
 * The mails of one account in an hour. Strangers who use them up have sent the owner mails with good links; the known
 * browsers of the owner have mails of their own.
 */
const MAILS: CounterLimit = { limit: 5, windowSeconds: HOUR_SECONDS }

/** Looked up in place of a missing account. No id is equal to it. */
const NOBODY = '\u0000nobody'

/** A person who has forgotten the password asks for a link, and chooses a new password with it. */
export function forgottenPassword(services: ForgottenPasswordServices): ForgottenPassword {
  const { links } = services
  return {
    look: links.look,
    ask: (asked) => mailLink(services, asked),
    async mayAskBesideStrangers({ name, browserIsKnown }) {
      const { accounts, counters, clock } = services
      const id = (await findByName(accounts, name))?.account.id ?? NOBODY
      if (!(await browserIsKnown(id))) return false
      const key = `password-reset:beside-strangers:${id}`
      return (await counters.reserve(key, MAILS, clock.now())).allowed
    },
    use: (token, password, sender) => links.use(token, password, sender),
  }
}

async function mailLink(
  services: ForgottenPasswordServices,
  { name, sender, browserIsKnown }: AskedForLink,
): Promise<void> {
  const { accounts, clock, links, letters, record, refusals } = services
  const { locale, ...place } = sender
  const account = (await findByName(accounts, name))?.account
  if (account === undefined)
    return refusals.record('password-reset-asked', { detail: { ...place, reason: 'unknown' } })
  const accountId = account.id
  const browser = (await browserIsKnown(accountId)) ? 'known' : 'unknown'
  const verdict = await verdictOn(services, account, browser)
  const detail = { ...place, browser } as const
  if ('refused' in verdict)
    return refusals.record('password-reset-asked', {
      accountId,
      detail: { ...detail, reason: verdict.refused },
    })
  const { url, expiresAt } = await links.make(account, verdict.address)
  await record('password-reset-asked', { accountId, detail: { ...detail, reason: 'mailed' } })
  await letters.put([
    {
      // No other mail has this link. Of what a letter is about, the storage has a hash.
      about: url,
      accountId,
      to: verdict.address,
      template: 'password-reset',
      values: {
        account: account.username,
        at: String(clock.now()),
        browser: sender.userAgent,
        resetUrl: url,
        minutes: String(RESET_SECONDS / MINUTE_SECONDS),
      },
      languages: languagesFor(account, locale),
      until: expiresAt,
    },
  ])
}

/** Whether a link is mailed now, and where to. A mail that is allowed is counted. */
async function verdictOn(
  { counters, clock, isOpen }: ForgottenPasswordServices,
  account: Account,
  browser: 'known' | 'unknown',
): Promise<{ readonly address: string } | { readonly refused: string }> {
  const verdict = mayReset(account)
  if ('refused' in verdict) return verdict
  if (!(await isOpen(account.id))) return { refused: 'locked' }
  const { allowed } = await counters.reserve(keyOf(browser, account), MAILS, clock.now())
  return allowed ? verdict : { refused: 'limit' }
}

function keyOf(browser: 'known' | 'unknown', { id }: Account): string {
  return `password-reset:${browser}:${id}`
}
