import type { Account } from '../../ports/accounts.ts'
import { verifiedAddresses } from './addresses.ts'

/** The addresses that are told what happens to an account: all verified ones (R44). */
export function noticeAddresses(account: Account): readonly string[] {
  return verifiedAddresses(account).map(({ address }) => address)
}
