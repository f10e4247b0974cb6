import type { Account } from '../../ports/accounts.ts'

/** The addresses that are told what happens to an account: the verified ones. */
export function noticeAddresses({ email, emailVerified }: Account): readonly string[] {
  return email === undefined || !emailVerified ? [] : [email]
}
