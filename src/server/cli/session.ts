import { loadConfig } from '../../../config/load.ts'
import {
  clientsOf,
  layFoundation,
  mailerOf,
  signingKeysOf,
  type Foundation,
} from '../boot/foundation.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { passEventsOn } from '../observe/notices.ts'
import { accountUrl, serverMfa, type ServerMfa } from '../boot/mfa.ts'
import type { Terminal } from './terminal.ts'

/** The services that a command works with. */
export interface Session {
  readonly foundation: Foundation
  readonly mfa: ServerMfa
  clients(): Promise<ClientRegistry>
}

/** Opens the storage and the mailer that the environment names, runs the work, and closes them again. */
export async function withSession<T>(
  terminal: Terminal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const foundation = await layFoundation(loadConfig(terminal.environment))
  const mailer = mailerOf(foundation)
  const services = mailer === undefined ? {} : { mailer }
  const mfa = serverMfa(foundation, services)
  const { storage, serviceName: issuerName } = foundation
  passEventsOn({
    mfa,
    issuerName,
    audit: storage.audit,
    accounts: storage.accounts,
    manageUrl: accountUrl(foundation),
    helpUrl: foundation.settings.service.help,
    ...services,
  })
  try {
    return await work({
      foundation,
      mfa,
      clients: async () => clientsOf(foundation, await signingKeysOf(foundation)),
    })
  } finally {
    // The command ends only after its events are in the trail and mailed.
    await mfa.settled()
    mailer?.close()
    await foundation.storage.close()
  }
}
