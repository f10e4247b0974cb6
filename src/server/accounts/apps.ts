import type { AdapterPayload, Provider } from 'oidc-provider'
import type { Instant } from '../../domain/time.ts'
import { endGrant, findGrant, scopesIn } from '../../host/grant.ts'
import { findClient, lookOf, type ClientLook } from '../../host/provider.ts'
import { isPast } from '../../host/session.ts'
import { ACCOUNT_CLIENT_ID } from '../../index.ts'
import type { EndedBy, LiveSessionServices } from './live-sessions.ts'

/** An app that has access to an account. */
export interface AppWithAccess {
  readonly clientId: string
  readonly look: ClientLook
  /** When the oldest of its live grants was made. */
  readonly since: Instant
  /** The scopes of all its live grants, in alphabetical order. */
  readonly scopes: readonly string[]
}

export interface Apps {
  /** The apps with a live grant, first-party ones too, by name. The account pages are no app. */
  list(accountId: string): Promise<readonly AppWithAccess[]>
  /**
   * Revokes every grant of an app, with the tokens and codes of each, and the remembered consent, also that of a request
   * in flight. False: the app has no live grant of the account.
   */
  revoke(accountId: string, clientId: string, by: EndedBy): Promise<boolean>
}

export type AppServices = Pick<LiveSessionServices, 'provider' | 'records' | 'clock' | 'record'> & {
  /** Ends the access of an app for good. The caller destroys the records as well. */
  readonly endAccess: (accountId: string, clientId: string) => Promise<void>
}

export function appsOf(services: AppServices): Apps {
  const { provider, record } = services
  return {
    async list(accountId) {
      const grants = await liveGrants(services, accountId)
      const clientIds = new Set(grants.flatMap(({ clientId }) => clientId ?? []))
      const apps = await Promise.all(
        [...clientIds].map((clientId) =>
          appOf(
            provider,
            clientId,
            grants.filter((grant) => grant.clientId === clientId),
          ),
        ),
      )
      return apps
        .flatMap((app) => app ?? [])
        .toSorted((one, other) => one.look.name.localeCompare(other.look.name))
    },

    async revoke(accountId, clientId, by) {
      const grants = await liveGrants(services, accountId)
      const revoked = grants.filter((grant) => grant.clientId === clientId)
      if (revoked.length === 0) return false
      // First of all: a request in flight may store a grant again that is destroyed here.
      await services.endAccess(accountId, clientId)
      await Promise.all(revoked.flatMap(({ jti }) => jti ?? []).map((id) => endGrant(provider, id)))
      await record('grant-revoked', { accountId, detail: { ...by, clientId } })
      return true
    },
  }
}

async function liveGrants(
  { provider, records, clock }: AppServices,
  accountId: string,
): Promise<readonly AdapterPayload[]> {
  const stored = await records.list('Grant', accountId)
  const present = stored.filter(
    (grant) => grant.clientId !== ACCOUNT_CLIENT_ID && !isPast(grant, clock.now()),
  )
  const found = await Promise.all(present.map(({ jti }) => findGrant(provider, jti)))
  return present.filter((_, index) => found[index] !== undefined)
}

/** Undefined: the app has been removed, so that no token of its grants is accepted. */
async function appOf(
  provider: Provider,
  clientId: string,
  grants: readonly AdapterPayload[],
): Promise<AppWithAccess | undefined> {
  const client = await findClient(provider, clientId)
  if (client === undefined) return undefined
  return {
    clientId,
    look: lookOf(client),
    since: Math.min(...grants.map(({ iat }) => Number(iat))),
    scopes: [...new Set(grants.flatMap(scopesIn))].toSorted(),
  }
}
