import type { SmtpMailer } from '../../adapters/mail/index.ts'
import type { Instant } from '../../domain/time.ts'
import type { Clock } from '../../ports/services.ts'
import type { MailTemplate } from '../../http/mail.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import type { Logger } from '../observe/log.ts'

/** A mail of the server itself, before it is written. */
export interface Letter {
  readonly to: string
  readonly template: MailTemplate
  readonly values: Readonly<Record<string, string>>
  /** Languages of the reader (BCP 47), the best first, with spaces between them. */
  readonly languages: string
  /** When its link or code ends: it is not sent from then on. */
  readonly until?: Instant
}

/** Hands a letter to the mail server. A letter that is too late or that cannot be sent is only logged. */
export type SendLetter = (letter: Letter) => Promise<void>

export interface LetterServices {
  readonly mfa: Pick<ServerMfa, 'views'>
  readonly mailer: Pick<SmtpMailer, 'send'>
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
}

export function letterSender({ mfa, mailer, clock, log }: LetterServices): SendLetter {
  return async ({ to, template, values, languages, until }) => {
    if (until !== undefined && until <= clock.now())
      return log.warn({ template }, 'a mail was not sent, because its time is over')
    try {
      const locale = mfa.views.localeFor({ uiLocales: languages })
      await mailer.send({ to, ...mfa.views.renderMail(template, values, locale) })
    } catch (error) {
      log.warn({ template, error }, 'a mail could not be sent')
    }
  }
}
