import type { Config } from '../../../config/environment.ts'
import { DEMONSTRATION_FOLDER, loadConfig } from '../../../config/load.ts'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import {
  clientsOf,
  layFoundation,
  mailerOf,
  signingKeysOf,
  type Foundation,
} from '../boot/foundation.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { passEventsOn } from '../notices/notices.ts'
import { letterSenderOf } from '../boot/post.ts'
import { senderRounds } from '../notices/rounds.ts'
import type { MailTried } from '../notices/sender.ts'
import { serverMfa, type ServerMfa } from '../boot/mfa.ts'
import { patientHasher } from '../import/patient-hasher.ts'
import type { Terminal } from './terminal.ts'
import { mailReport, tellUnsent, type MailReport } from './unsent-mails.ts'

/** The services that a command works with. */
export interface Session {
  readonly foundation: Foundation
  readonly mfa: ServerMfa
  /**
   * Sends what is due in the outbox, for ten seconds at most, and answers the attempts since the last call. Undefined: the command has no
   * mail server, or no address of the service for the links in mails.
   */
  sendDue(): Promise<readonly MailTried[] | undefined>
  clients(): Promise<ClientRegistry>
}

/** The settings without which no command about people, apps, keys or the trail can work. */
const NEEDS = ['STORAGE_URL', 'ENCRYPTION_KEYS'] as const

export interface SessionNeeds {
  /** The command makes a link, and needs ISSUER besides the storage and its keys. */
  readonly linkMaking?: boolean
  /** The command hashes codes of many people and serves no sign-in: a hash waits for the others and is not refused. */
  readonly bulkHashing?: boolean
}

/** Opens the storage and the mailer that the environment names, runs the work, and closes them again. */
export async function withSession<T>(
  terminal: Terminal,
  work: (session: Session) => Promise<T>,
  { linkMaking = false, bulkHashing = false }: SessionNeeds = {},
): Promise<T> {
  const needs = linkMaking ? [...NEEDS, 'ISSUER' as const] : NEEDS
  const config = loadConfig(terminal.environment, DEMONSTRATION_FOLDER, needs)
  const foundation = await layFoundation(config, { actor: terminal.actor?.() })
  // The links of notices need the issuer: without it the mails wait for the server.
  const mayMail = config.issuer !== undefined || !config.production
  const mailer = mayMail ? mailerOf(foundation) : undefined
  const services = mailer === undefined ? {} : { mailer }
  const mfa = serverMfa(bulkHashing ? withPatience(foundation) : foundation, services)
  const { storage, letters } = foundation
  const report = mailReport()
  letters.onPut(report.put)
  const sendDue = async (): Promise<void> => {
    if (mailer !== undefined) await sendWaiting({ foundation, mfa, mailer, report })
  }
  passEventsOn({ mfa, audit: storage.audit, accounts: storage.accounts, letters })
  // The command ends only after its events are in the trail and in the outbox. A mail that cannot be sent at once is
  // sent by the server.
  let isFinishing = false
  const finish = async (): Promise<void> => {
    isFinishing = true
    await mfa.settled()
    await foundation.accountEvents.settled()
    if (report.hasPut) await sendDue()
    tellUnsent(terminal, await report.unsent(storage.outbox, whyNoMailer(config, mayMail)))
  }
  try {
    const outcome = await work({
      foundation,
      mfa,
      async sendDue() {
        await sendDue()
        return mailer === undefined ? undefined : report.takeAttempts()
      },
      clients: async () => clientsOf(foundation, await signingKeysOf(foundation)),
    })
    await finish()
    return outcome
  } catch (error) {
    // The command's own error is told, and not that of the work after it.
    if (!isFinishing) await finish().catch(() => undefined)
    throw error
  } finally {
    mailer?.close()
    await foundation.storage.close()
  }
}

function withPatience(foundation: Foundation): Foundation {
  const { hasher, settings } = foundation
  return { ...foundation, hasher: patientHasher(hasher, settings.passwords.hashingAtOnce) }
}

/** Undefined: the command sends mails. */
function whyNoMailer({ mail }: Config, mayMail: boolean): string | undefined {
  if (!mayMail) return 'ISSUER is not set for this command'
  return mail === undefined ? 'SMTP_URL is not set for this command' : undefined
}

interface Sending {
  readonly foundation: Foundation
  readonly mfa: ServerMfa
  readonly mailer: SmtpMailer
  readonly report: MailReport
}

async function sendWaiting({ foundation, mfa, mailer, report }: Sending): Promise<void> {
  const post = { send: mailer.send, lanes: 1 }
  const rounds = senderRounds(letterSenderOf(foundation, { post, mfa, tried: report.tried }))
  rounds.begin()
  await rounds.stop()
}
