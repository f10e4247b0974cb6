import type { UpstreamAssurance } from '../../src/domain/policy/proofs.ts'
import { upstreamAssurance, type UpstreamStatement } from '../../src/domain/policy/upstream.ts'
import type { Instant } from '../../src/domain/time.ts'
import { isForDevice, type Interaction } from '../../src/host/interaction.ts'
import type { Core } from '../core.ts'

/**
 * The assurance of a first factor on the word of an upstream provider. It comes from the application's own call alone: no
 * login that was found in an interaction or a session has one. Undefined: the first factor is of one kind.
 */
export function upstreamOf(
  { upstream, policy, sessionSeconds }: Core,
  interaction: Interaction,
  statement: UpstreamStatement,
  now: Instant,
): UpstreamAssurance | undefined {
  const { prompt, max_age: maxAge } = interaction.params
  const asksForLogin = typeof prompt === 'string' && prompt.split(' ').includes('login')
  return upstreamAssurance(upstream, policy.levels, statement, {
    askedAt: interaction.iat,
    isNewAsked: asksForLogin || isForDevice(interaction),
    maxAgeSeconds: maxAge === undefined || maxAge === null ? Infinity : Number(maxAge),
    sessionSeconds,
    now,
  })
}
