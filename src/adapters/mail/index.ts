import { createTransport } from 'nodemailer'
import { MfaError } from '../../domain/errors.ts'
import type { Mailer } from '../../ports/services.ts'

export interface SmtpMailerOptions {
  /** `smtp://USER:PASSWORD@HOST:PORT` or `smtps://...`. */
  readonly url: string
  /** The sender: an address, with or without a name. */
  readonly from: string
  /** Makes the message of a template. Throws when a value is missing. */
  readonly render: (
    template: string,
    values: Readonly<Record<string, string>>,
  ) => { readonly subject: string; readonly text: string; readonly html: string }
}

export interface SmtpMailer extends Mailer {
  /** Throws MfaError `mail-failed` when the mail server does not answer or refuses the credentials. */
  check(): Promise<void>
  close(): void
}

/** A person waits for the page that follows the mail: a dead mail server must not hold it for minutes. */
const TIMEOUT_MILLISECONDS = 10_000

/**
 * Hands messages to a mail server. Throws MfaError `mail-failed`; what the mail server said is its cause, since
 * it may repeat addresses. Files and addresses in a message are never followed.
 */
export function smtpMailer({ url, from, render }: SmtpMailerOptions): SmtpMailer {
  const transport = createTransport({
    url,
    connectionTimeout: TIMEOUT_MILLISECONDS,
    greetingTimeout: TIMEOUT_MILLISECONDS,
    socketTimeout: TIMEOUT_MILLISECONDS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send({ to, template, values }) {
      const { subject, text, html } = render(template, values)
      try {
        // As an object: a list in an address would send a person's code to others as well.
        await transport.sendMail({ from, to: { name: '', address: to }, subject, text, html })
      } catch (cause) {
        throw new MfaError('mail-failed', `The mail ${template} could not be sent.`, {
          status: 503,
          cause,
        })
      }
    },

    async check() {
      try {
        await transport.verify()
      } catch (cause) {
        throw new MfaError('mail-failed', 'The mail server does not take mail.', {
          status: 503,
          cause,
        })
      }
    },

    close: () => transport.close(),
  }
}
