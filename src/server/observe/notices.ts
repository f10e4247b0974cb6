import type { MfaEvent } from '../../index.ts'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import { languagesOf } from '../accounts/language.ts'
import type { Logger } from './log.ts'
import type { ServerMfa } from '../boot/mfa.ts'

export interface NoticeServices {
  readonly mfa: ServerMfa
  readonly issuerName: string
  readonly audit: AuditTrail
  readonly accounts: Accounts
  /** The page where people manage their factors. */
  readonly manageUrl: string
  /** The page where people find help, if the settings name one. */
  readonly helpUrl?: string | undefined
  readonly mailer?: SmtpMailer
  readonly log?: Logger
}

/** The events that the account's owner is told of, each with the template of its mail. */
const MAILS: Partial<Record<MfaEvent['type'], string>> = {
  'factor-enrolled': 'factor-enrolled',
  'factor-removed': 'factor-removed',
  'backup-code-used': 'backup-code-used',
  'password-suspected': 'password-suspected',
  'codes-disabled': 'codes-disabled',
  reset: 'mfa-reset',
}

/**
 * Passes the plugin's events on: to the audit trail, which recognises an event that comes twice, and by mail to the
 * person. While the trail is unavailable, the events are kept for later. A mail that cannot be sent is only logged: a
 * sign-in must not depend on the mail server, and an address that no longer works would hold the events back for
 * ever.
 */
export function passEventsOn(services: NoticeServices): void {
  const { mfa, issuerName, audit, accounts, manageUrl, helpUrl, mailer, log } = services
  mfa.on('*', async (event) => {
    await audit.add([event])
    const template = templateFor(event)
    if (template === undefined || mailer === undefined) return
    const account = (await accounts.byId(event.accountId))?.account
    if (account?.email === undefined || !account.emailVerified) return
    try {
      const values = {
        ...valuesOf(event, account.username, issuerName),
        manageUrl,
        ...(helpUrl === undefined ? {} : { helpUrl }),
      }
      const locale = mfa.views.localeFor({ uiLocales: languagesOf(account, event) })
      const text = mfa.views.renderMail(template, values, locale)
      await mailer.send({ to: account.email, ...text })
    } catch (error) {
      log?.warn({ event: event.id, type: event.type, error }, 'a notice was not mailed')
    }
  })
}

/**
 * The template of an event's mail. The first backup codes come with a factor, which has its own mail. Renewed codes
 * replace others, so they have a mail.
 */
function templateFor({ type, detail }: MfaEvent): string | undefined {
  if (type === 'backup-codes-created' && detail.reason === 'renewed') return 'backup-codes-renewed'
  return MAILS[type]
}

function valuesOf(
  { at, detail }: MfaEvent,
  account: string,
  issuer: string,
): Record<string, string> {
  const { factor, authenticatorName: name, remaining, userAgent: browser } = detail
  return {
    issuer,
    account,
    at: String(at),
    ...(factor === undefined ? {} : { factor }),
    ...(name === undefined ? {} : { name }),
    ...(remaining === undefined ? {} : { remaining: String(remaining) }),
    ...(browser === undefined ? {} : { browser }),
  }
}
