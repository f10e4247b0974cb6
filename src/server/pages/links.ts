import { setUpLinks, type SetUpLinks } from '../accounts/set-up-link.ts'
import type { Foundation } from '../boot/foundation.ts'
import type { ServerMfa } from '../boot/mfa.ts'

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
  })
}
