import { createHash } from 'node:crypto'
import { spendProof } from '../domain/proof.ts'
import { commit } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/** A proof as the page that asked for it names it: the secret is in the person's browser alone. */
export interface ShownProof {
  readonly purpose: string
  readonly secret: string
}

/**
 * Spends the fresh proof that a page of the application's own has asked for with `mfa_action=prove:PURPOSE:HASH` (R11).
 * True once: of simultaneous calls, on any nodes, one gets it. False: there is no such proof of this account, its ten
 * minutes are over, it was spent, or the epoch has changed since. Throws what a commit throws.
 */
export async function spendShownProof(
  deps: Dependencies,
  accountId: string,
  shown: ShownProof,
): Promise<boolean> {
  const asked = { purpose: shown.purpose, secretHash: hashOfSecret(shown.secret) }
  return commit(deps, accountId, (record, now) => {
    const spent = spendProof(record, asked, now)
    return spent === undefined ? { outcome: false } : { outcome: true, record: spent }
  })
}

/** The HASH of `mfa_action=prove:PURPOSE:HASH`. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
