import type { Provider } from 'oidc-provider'
import { ACCOUNT_CLIENT_ID } from '../../index.ts'
import { findClient, lookOf } from '../../host/provider.ts'
import type { LiveSessions } from '../accounts/live-sessions.ts'
import { securityDataOf } from '../accounts/security-data.ts'
import type { Foundation } from '../boot/foundation.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import type { ShowPage } from '../pages/render.ts'
import type Router from '@koa/router'
import { addedAddresses } from '../accounts/added-addresses.ts'
import { emailChanges } from '../accounts/change-email.ts'
import { passwordChanges } from '../accounts/change-password.ts'
import type { AfterAnswer } from '../pages/after-answer.ts'
import type { FormGuard } from '../pages/context.ts'
import { activityPage } from './activity.ts'
import { addressesPage } from './addresses.ts'
import { addEmailLinkRoutes, emailPage } from './email.ts'
import { passwordPage } from './password.ts'
import { languagePage } from './language.ts'

export interface OwnAccountServices {
  readonly foundation: Foundation
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly show: ShowPage
  readonly sessions: Pick<LiveSessions, 'list'>
  readonly after: AfterAnswer
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
    browsersOf: (id: string) => mfa.browsers.list(id),
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
  addChangePages(services)
}

/** Adds the pages of what opens the account: the password, the address, and more addresses where mail is sent. */
function addChangePages({ foundation, mfa, show, after }: OwnAccountServices): void {
  const { storage, clock, random, box, issuer, serviceName, hasher, passwords } = foundation
  const { accounts, counters, oneTime } = storage
  const { letters, accountEvents, minimumPasswordLength: minimumLength } = foundation
  const epochOf = (id: string): Promise<number> => mfa.accounts.epoch(id)
  const shared = { accounts, counters, clock, change: accountEvents.change, epochOf }
  const own = { mfa, accounts, show, letters, now: () => clock.now() }
  const change = passwordChanges({
    ...shared,
    passwords,
    hasher,
    serviceName,
    minimumLength,
    passwordChanged: (id) => mfa.accounts.passwordChanged(id),
  })
  mfa.account.page(passwordPage({ ...own, change, minimumLength }))
  const changes = emailChanges({ ...shared, oneTime, random, issuer })
  mfa.account.page(emailPage({ ...own, after, changes }))
  const added = addedAddresses({ ...shared, oneTime, random, macs: box })
  mfa.account.page(addressesPage({ ...own, added }))
}

/** The routes of the link that confirms a new address, which needs no sign-in. */
export function addAccountLinkRoutes(
  router: Router,
  {
    foundation,
    mfa,
    show,
    forms,
  }: Pick<OwnAccountServices, 'foundation' | 'mfa' | 'show'> & { readonly forms: FormGuard },
): void {
  const { storage, clock, random, issuer, accountEvents } = foundation
  const { accounts, counters, oneTime } = storage
  const epochOf = (id: string): Promise<number> => mfa.accounts.epoch(id)
  const changes = emailChanges({
    accounts,
    counters,
    oneTime,
    clock,
    random,
    issuer,
    epochOf,
    change: accountEvents.change,
  })
  addEmailLinkRoutes(router, { mfa, show, forms, changes })
}
