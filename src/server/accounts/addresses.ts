import type { Instant } from '../../domain/time.ts'
import type { Account, AddedAddress } from '../../ports/accounts.ts'
import { normaliseName } from './name.ts'

/** The most addresses of an account beside its own (NIST SP 800-63B-4 4.2.1.2 asks for two at least). */
export const MOST_ADDED = 2

/**
 * Every verified address of an account, the one that signs in first. All of them are told what happens (R44). That one
 * was verified when the account was made, by the administrator or by the product from which it was imported, unless the
 * account notes a later time: a new address must not count as an old one (R9).
 */
export function verifiedAddresses(account: Account): readonly AddedAddress[] {
  const { email, emailVerified, emailVerifiedAt, createdAt, addresses = [] } = account
  if (email === undefined || !emailVerified) return addresses
  return [{ address: email, verifiedAt: emailVerifiedAt ?? createdAt }, ...addresses]
}

/** Whether an address is one of the account's, in any spelling, verified or not. */
export function isOwnAddress(account: Account, address: string): boolean {
  const name = normaliseName(address)
  return [account.email, ...(account.addresses ?? []).map((added) => added.address)].some(
    (own) => own !== undefined && normaliseName(own) === name,
  )
}

/** The account with one more verified address. Undefined: it is there already, or there is no place left. */
export function withAddress(account: Account, address: string, now: Instant): Account | undefined {
  const { addresses = [] } = account
  if (isOwnAddress(account, address) || addresses.length >= MOST_ADDED) return undefined
  return { ...account, addresses: [...addresses, { address, verifiedAt: now }], updatedAt: now }
}

/** The account without an added address. Undefined: it has no such address. */
export function withoutAddress(
  account: Account,
  address: string,
  now: Instant,
): Account | undefined {
  const { addresses = [], ...others } = account
  const left = addresses.filter((added) => added.address !== address)
  if (left.length === addresses.length) return undefined
  return { ...others, ...(left.length === 0 ? {} : { addresses: left }), updatedAt: now }
}

/** The account with another address for its own, which was just verified. It is no added address any more. */
export function withEmail(account: Account, email: string, now: Instant): Account {
  const { addresses = [], ...others } = account
  const left = addresses.filter(({ address }) => normaliseName(address) !== normaliseName(email))
  return {
    ...others,
    email,
    emailVerified: true,
    emailVerifiedAt: now,
    ...(left.length === 0 ? {} : { addresses: left }),
    updatedAt: now,
  }
}

/** The account with the addresses that it had before, for a change that has to be undone. */
export function withAddressesOf(account: Account, before: Account, now: Instant): Account {
  const { email: _email, emailVerifiedAt: _at, addresses: _added, ...others } = account
  const { email, emailVerified, emailVerifiedAt, addresses } = before
  return {
    ...others,
    ...(email === undefined ? {} : { email }),
    emailVerified,
    ...(emailVerifiedAt === undefined ? {} : { emailVerifiedAt }),
    ...(addresses === undefined ? {} : { addresses }),
    updatedAt: now,
  }
}
