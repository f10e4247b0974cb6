import { forgottenPassword, type ForgottenPassword } from '../accounts/forgotten-password.ts'
import { resetLinks } from '../accounts/reset-link.ts'
import { setUpLinks, type SetUpLinks } from '../accounts/set-up-link.ts'
import type { Foundation } from '../boot/foundation.ts'
import type { ServerMfa } from '../boot/mfa.ts'

/** The mailed links of people who have forgotten their password. */
export function forgottenPasswordOf(foundation: Foundation, mfa: ServerMfa): ForgottenPassword {
  const { storage, hasher, clock, random, record, refusals, issuer, serviceName } = foundation
  const { accounts, counters, oneTime } = storage
  const links = resetLinks({
    accounts,
    oneTime,
    counters,
    hasher,
    clock,
    random,
    issuer,
    serviceName,
    minimumLength: foundation.minimumPasswordLength,
    passwordChanged: (id, ...how) => mfa.accounts.passwordChanged(id, ...how),
    epochOf: (id) => mfa.accounts.epoch(id),
    change: foundation.accountEvents.change,
  })
  return forgottenPassword({
    accounts,
    counters,
    clock,
    links,
    letters: foundation.letters,
    record,
    refusals,
    isOpen: async (id) => (await mfa.accounts.doors(id))['mailed-reset'].open,
  })
}

/** The set-up links that the pages and the command line make and use. */
export function setUpLinksOf(foundation: Foundation, mfa: ServerMfa): SetUpLinks {
  const { storage, hasher, clock, random, record, issuer, serviceName } = foundation
  return setUpLinks({
    accounts: storage.accounts,
    oneTime: storage.oneTime,
    counters: storage.counters,
    hasher,
    clock,
    random,
    record,
    issuer,
    serviceName,
    minimumLength: foundation.minimumPasswordLength,
    passwordChanged: (id) => mfa.accounts.passwordChanged(id),
    epochOf: (id) => mfa.accounts.epoch(id),
    change: foundation.accountEvents.change,
  })
}
