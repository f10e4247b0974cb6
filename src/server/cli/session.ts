import { loadConfig } from '../../../config/load.ts'
import { clientsOf, layFoundation, signingKeysOf, type Foundation } from '../foundation.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import { serverMfa, type ServerMfa } from '../mfa.ts'
import type { Terminal } from './terminal.ts'

/** What a command works with. */
export interface Session {
  readonly foundation: Foundation
  readonly mfa: ServerMfa
  clients(): Promise<ClientRegistry>
}

/** Opens what the environment names, runs the work, and closes it again. */
export async function withSession<T>(
  terminal: Terminal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const foundation = await layFoundation(loadConfig(terminal.environment))
  try {
    return await work({
      foundation,
      mfa: serverMfa(foundation),
      clients: async () => clientsOf(foundation, await signingKeysOf(foundation)),
    })
  } finally {
    await foundation.storage.close()
  }
}
