import type { Proof } from '../src/domain/policy/proofs.ts'
import {
  mergedProofs,
  proofsByLevel,
  withoutUpstream,
} from '../src/domain/policy/session-proofs.ts'
import { isDeviceRoute, type OIDC } from '../src/host/context.ts'
import { given } from '../src/host/given.ts'
import { proofsIn, provedAtOf, signInTimeOf } from '../src/host/session.ts'
import type { Core } from './core.ts'
import type { RequestTimes } from './request-times.ts'

/**
 * The proofs of a session that count in a request. In the device flow no second factor, and no level of an upstream
 * provider, counts that was shown in the browser's session before the person began with the device (R17). `begunAt`: when a
 * factor was first shown for the request.
 */
export function countingProofsOf(
  core: Core,
  oidc: OIDC,
  { begunAt = Infinity }: Pick<RequestTimes, 'begunAt'>,
): readonly Proof[] {
  const proofs = sessionProofsOf(core, given(oidc.session, 'session'))
  if (!isDeviceRoute(oidc)) return proofs
  return proofs
    .filter(({ factor, time }) => factor === undefined || time >= begunAt)
    .map((proof) =>
      proof.upstream === undefined || proof.time >= begunAt ? proof : withoutUpstream(proof),
    )
}

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
function sessionProofsOf(core: Core, session: SessionOfPerson): readonly Proof[] {
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
