import type { Provider } from 'oidc-provider'
import { ACCOUNT_CLIENT_ID } from '../../index.ts'
import { findClient, lookOf } from '../../host/provider.ts'
import type { LiveSessions } from '../accounts/live-sessions.ts'
import { securityDataOf } from '../accounts/security-data.ts'
import type { Foundation } from '../boot/foundation.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import type { ShowPage } from '../pages/render.ts'
import { activityPage } from './activity.ts'
import { languagePage } from './language.ts'

export interface OwnAccountServices {
  readonly foundation: Foundation
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly show: ShowPage
  readonly sessions: Pick<LiveSessions, 'list'>
}

/** Adds the account pages that only the server has, because the plugin alone knows neither a trail nor a person. */
export function addAccountPages(services: OwnAccountServices): void {
  const { foundation, provider, mfa, show, sessions } = services
  const { storage, clock, issuer, serviceName: service } = foundation
  const { accounts, audit } = storage
  const data = {
    service,
    accounts,
    audit,
    statusOf: (id: string) => mfa.accounts.status(id),
    doorsOf: (id: string) => mfa.accounts.doors(id),
    sessionsOf: (id: string) => sessions.list(id),
  }
  mfa.account.page(
    activityPage({
      mfa,
      audit,
      clock,
      show,
      async nameOfApp(clientId) {
        if (clientId === ACCOUNT_CLIENT_ID) return service
        const client = await findClient(provider, clientId)
        return client === undefined ? undefined : lookOf(client).name
      },
      dataOf: (accountId) => securityDataOf(data, accountId, clock.now()),
    }),
  )
  mfa.account.page(languagePage({ mfa, accounts, issuer, show }))
}
