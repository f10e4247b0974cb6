import type { HostClient } from '../../host/provider.ts'
import { demonstrationClientIn } from '../boot/demonstration.ts'
import { policyClient } from '../clients/policy-client.ts'
import type { Session } from './session.ts'

/**
 * The clients that the policy decides about: those of the storage and of CLIENTS_FILE, and the demonstration's, which
 * the server makes at each start.
 */
export async function clientsOfPolicy(session: Session): Promise<readonly HostClient[]> {
  const kept = (await (await session.clients()).list()).map(policyClient)
  const demonstration = await demonstrationClientOf(session)
  const isKept = kept.some(({ clientId }) => clientId === demonstration?.clientId)
  return demonstration === undefined || isKept ? kept : [...kept, demonstration]
}

/** One of these clients. A client that is kept takes precedence over the demonstration's. */
export async function clientOfPolicy(
  session: Session,
  clientId: string,
): Promise<HostClient | undefined> {
  const kept = await (await session.clients()).find(clientId)
  if (kept !== undefined) return policyClient(kept)
  const demonstration = await demonstrationClientOf(session)
  return demonstration?.clientId === clientId ? demonstration : undefined
}

async function demonstrationClientOf({ foundation }: Session): Promise<HostClient | undefined> {
  const metadata = await demonstrationClientIn(foundation)
  return metadata === undefined ? undefined : policyClient(metadata)
}
