import type { Provider } from 'oidc-provider'
import { ACCOUNT_CLIENT_ID, type AccountPages } from '../../index.ts'
import { findClient, lookOf } from '../../host/provider.ts'
import { appsPage } from './apps.ts'
import type { LivePages } from './live-services.ts'
import { sessionsPage } from './sessions.ts'

export interface LivePageServices extends Pick<LivePages, 'sessions' | 'apps' | 'show'> {
  readonly account: AccountPages
  readonly provider: Provider
}

/** Adds the pages about sessions and apps to the account pages. */
export function addLivePages({ account, provider, ...services }: LivePageServices): void {
  const pages: LivePages = {
    ...services,
    addressOf: (name) => (name === '' ? account.path : `${account.path}/${name}`),
    async namesOf({ clientIds }) {
      const ids = clientIds.filter((id) => id !== ACCOUNT_CLIENT_ID)
      const clients = await Promise.all(ids.map((id) => findClient(provider, id)))
      return clients.flatMap((client) => (client === undefined ? [] : lookOf(client).name))
    },
  }
  account.page(sessionsPage(pages))
  account.page(appsPage(pages))
}
