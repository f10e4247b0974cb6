import { createTransport, type SendMailOptions } from 'nodemailer'
import { MfaError } from '../../domain/errors.ts'

export interface SmtpMailerOptions {
  /** `smtp://USER:PASSWORD@HOST:PORT` or `smtps://...`. */
  readonly url: string
  readonly from: Sender
}

export interface Sender {
  /** As people see it; empty: none. */
  readonly name: string
  readonly address: string
}

/** A mail that is ready to go. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** `<...@host>`; absent: a new one for each attempt. */
  readonly messageId?: string
}

export interface SmtpMailer {
  /** Throws MfaError `mail-failed` when the mail server did not take it, or not before `signal` ended the attempt. */
  send(mail: Mail, signal?: AbortSignal): Promise<void>
  /** Throws MfaError `mail-failed` when the mail server does not answer or refuses the credentials. */
  check(): Promise<void>
  close(): void
}

/**
 * A person waits for the page that follows the mail: a mail server that does not answer must not delay it for minutes.
 */
const TIMEOUT_MILLISECONDS = 10_000

/**
 * Sends mails through a mail server. The text of a refusal is the `cause` of the error and not a part of its message,
 * because it may repeat addresses. Files and URLs in a mail are never read.
 */
export function smtpMailer({ url, from }: SmtpMailerOptions): SmtpMailer {
  const transport = createTransport({
    url,
    connectionTimeout: TIMEOUT_MILLISECONDS,
    greetingTimeout: TIMEOUT_MILLISECONDS,
    socketTimeout: TIMEOUT_MILLISECONDS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const failed = (message: string, cause: unknown): MfaError =>
    new MfaError('mail-failed', message, { status: 503, cause })

  return {
    async send({ to, ...content }, signal) {
      try {
        const message: SendMailOptions & { signal?: AbortSignal } = {
          from,
          to: addressee(to),
          ...content,
          ...(signal === undefined ? {} : { signal }),
        }
        await transport.sendMail(message)
      } catch (cause) {
        throw failed(`The mail server ${new URL(url).host} did not take a mail.`, cause)
      }
    },

    async check() {
      try {
        await transport.verify()
      } catch (cause) {
        const { host } = new URL(url)
        throw failed(
          `The mail server ${host} does not take mail (${codeOfMailFault(cause)}).`,
          cause,
        )
      }
    },

    close: () => transport.close(),
  }
}

/** As an object: a list in an address would send a person's code to others as well. */
export function addressee(address: string): { readonly name: string; readonly address: string } {
  return { name: '', address }
}

/**
 * Whether the mail server refuses the recipient or the message, and will refuse it again (RFC 5321 4.2.1). A refused
 * sender or password is a fault of our settings, which an operator corrects: then the mail is sent later.
 */
export function isRefusedForGood(error: unknown): boolean {
  const cause: unknown = error instanceof MfaError ? error.cause : error
  const { responseCode, command } = Object(cause) as { responseCode?: unknown; command?: unknown }
  const isPermanent = typeof responseCode === 'number' && responseCode >= 500 && responseCode < 600
  return isPermanent && (command === 'RCPT TO' || command === 'DATA')
}

/**
 * The error code of Node if the connection failed, otherwise of nodemailer; nothing from the mail server's response.
 */
export function codeOfMailFault(cause: unknown): string {
  const { name, message, code } = Object(cause) as Readonly<Record<string, unknown>>
  const ofNode = /^(?:connect|getaddrinfo) (E[A-Z]+)\b/.exec(String(message))?.[1]
  if (ofNode !== undefined) return ofNode
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : 'unknown'
}
