import { dirname, join } from 'node:path'
import type { Config } from '../../../config/environment.ts'
import { mailFiles } from '../../adapters/mail/files.ts'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import { letterSender, type LetterSender, type MailTried, type Post } from '../notices/sender.ts'
import type { Logger } from '../observe/log.ts'
import { senderOfMails, type Foundation } from './foundation.ts'
import { accountUrl } from '../pages/account.ts'
import type { ServerMfa } from './mfa.ts'

/** The mails that one node sends at once: a slow mail server must not delay a link that is good for ten minutes. */
const LANES = 4

export interface PostPlace {
  readonly post: Post
  /** The folder in which mails are written; absent: a mail server takes them. */
  readonly folder?: string
}

/**
 * Where the mails of a server go: to the mail server, or without one into the folder `outbox` in `folder`. Production
 * always has a mail server.
 */
export function postOf(
  foundation: Foundation,
  mailer: SmtpMailer | undefined,
  folder: string,
): PostPlace {
  if (mailer !== undefined) return { post: { send: mailer.send, lanes: LANES } }
  const outbox = join(folder, 'outbox')
  const from = senderOfMails(foundation)
  const files = mailFiles({ folder: outbox, from, clock: foundation.clock })
  return { post: { send: files.send, lanes: 1 }, folder: outbox }
}

/** The folder of the SQLite file; undefined: the data are in another place. */
export function folderOfDatabase({ storage }: Pick<Config, 'storage'>): string | undefined {
  return storage.kind === 'sqlite' ? dirname(storage.path) : undefined
}

export interface SenderParts {
  readonly post: Post
  readonly mfa: ServerMfa
  readonly log?: Logger
  /** Is told of each attempt, besides the measures. */
  readonly tried?: ((tried: MailTried) => void) | undefined
}

export function letterSenderOf(
  foundation: Foundation,
  { post, mfa, log, tried }: SenderParts,
): LetterSender {
  const { storage, letters, clock, record, issuer, serviceName, settings } = foundation
  const { help } = settings.service
  return letterSender({
    outbox: storage.outbox,
    letters,
    post,
    mfa,
    clock,
    record,
    tried(one) {
      foundation.serverMeasures.mailTried(one.outcome)
      tried?.(one)
    },
    log,
    issuer,
    values: {
      issuer: serviceName,
      manageUrl: accountUrl(foundation),
      ...(help === undefined ? {} : { helpUrl: help }),
    },
  })
}
