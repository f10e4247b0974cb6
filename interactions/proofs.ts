import type { Proof } from '../src/domain/policy/proofs.ts'
import { mergedProofs, proofsByLevel } from '../src/domain/policy/session-proofs.ts'
import { proofsIn, provedAtOf, signInTimeOf } from '../src/host/session.ts'
import type { Core } from './core.ts'

/** A session of the host, as far as its proofs are read. */
export interface SessionOfPerson {
  readonly accountId?: string | undefined
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
}

/**
 * The proofs that the person of a session has given in it, the newest first. A session that keeps none shows them by its
 * level: another release has made it, or a host without the plugin.
 */
export function sessionProofsOf(core: Core, session: SessionOfPerson): readonly Proof[] {
  const { accountId, acr, amr } = session
  const signedInAt = signInTimeOf(session)
  if (accountId === undefined || signedInAt === undefined) return []
  const { levels } = core.policy
  const kept =
    proofsIn(session, accountId) ??
    proofsByLevel(levels, { acr, amr, signedInAt, provedAt: provedAtOf(session, accountId) })
  const { sessionSeconds } = core
  return mergedProofs(kept, [], { now: core.deps.clock.now(), sessionSeconds })
}
