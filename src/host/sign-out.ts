import type { Provider } from 'oidc-provider'
import { findClient, type HostClient } from './provider.ts'

/** The end of a session, as one of its apps is told of it. */
export interface EndedAtApp {
  readonly accountId: string
  readonly clientId: string
  /** The name of the session for this app. */
  readonly sid: string | undefined
}

/**
 * Tells an app through its back channel that a session has ended (OpenID Connect Back-Channel Logout 1.0). The host does
 * so at a sign-out alone. An app without a `backchannel_logout_uri`, and one that has been removed, is not told.
 *
 * Throws if the app does not answer, or with another status than 200 or 204.
 */
export async function tellApp(
  provider: Provider,
  { accountId, clientId, sid }: EndedAtApp,
): Promise<void> {
  const client = (await findClient(provider, clientId)) as BackChannel | undefined
  if (client?.backchannelLogoutUri === undefined) return
  await client.backchannelLogout(accountId, sid)
}

type BackChannel = HostClient & {
  readonly backchannelLogoutUri?: string
  backchannelLogout(accountId: string, sid: string | undefined): Promise<void>
}
