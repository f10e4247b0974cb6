import { createHash } from 'node:crypto'
import { spendProof, type SpentProof } from '../domain/proof.ts'
import type { Instant } from '../domain/time.ts'
import { commit } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/** A proof as the page that asked for it names it: the secret is in the person's browser alone. */
export interface ShownProof {
  readonly purpose: string
  readonly secret: string
  /**
   * When a factor was last shown in the session that spends it, as `mfa.sessionOf` says. With it, a proof that was made
   * in another browser is worth nothing.
   */
  readonly provedAt?: Instant
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
  const asked = spentBy(shown)
  return commit(deps, accountId, (record, now) => {
    const spent = spendProof(record, asked, now)
    return spent === undefined ? { outcome: false } : { outcome: true, record: spent }
  })
}

/** The proof as the record knows it. */
export function spentBy({ secret, ...shown }: ShownProof): SpentProof {
  return { ...shown, secretHash: hashOfSecret(secret) }
}

/** The HASH of `mfa_action=prove:PURPOSE:HASH`. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
