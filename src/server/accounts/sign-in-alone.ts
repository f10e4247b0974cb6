import type { Instant } from '../../domain/time.ts'
import type { Counters } from '../../ports/counters.ts'
import type { Clock } from '../../ports/services.ts'
import type { Refusals } from '../observe/audit.ts'
import { keyOfAddress, type PasswordLimits } from './sign-in.ts'

export interface SignInAloneServices {
  readonly counters: Counters
  readonly clock: Clock
  readonly refusals: Pick<Refusals, 'record'>
  readonly limits: PasswordLimits
}

/** The request that holds a credential. */
export interface AttemptAlone {
  readonly ip: string
  readonly userAgent: string
}

export type VerdictAlone =
  | { readonly outcome: 'accepted'; readonly location: string }
  /** Whatever the reason: the answer is the same (R33). */
  | { readonly outcome: 'refused' }
  /** Too many failures from this address, of passwords and credentials. */
  | { readonly outcome: 'too-many'; readonly retryAt: Instant }

export type CheckAlone = (
  attempt: AttemptAlone,
  examine: () => Promise<string | undefined>,
) => Promise<VerdictAlone>

/**
 * Bounds the attempts to sign in with a credential alone by the failures of their address, which are counted with those
 * of passwords: a browser has one limit, whatever it tries. The counter is reserved before the examination and released
 * where the credential was accepted or not examined. Refusals are told in the trail, bounded (R47).
 */
export function signInAlone({
  counters,
  clock,
  refusals,
  limits,
}: SignInAloneServices): CheckAlone {
  const limit = { limit: limits.failuresPerAddress, windowSeconds: limits.addressWindowSeconds }

  return async ({ ip, userAgent }, examine) => {
    const now = clock.now()
    const key = keyOfAddress(ip)
    const tell = (reason: 'wrong' | 'throttled'): Promise<void> =>
      refusals.record('passkey-refused', { detail: { reason, ip, userAgent } })
    const reserved = await counters.reserve(key, limit, now)
    if (!reserved.allowed) {
      await tell('throttled')
      return { outcome: 'too-many', retryAt: reserved.retryAt ?? now + limit.windowSeconds }
    }
    const location = await examine().catch(async (error: unknown) => {
      await counters.release(key, now)
      throw error
    })
    if (location === undefined) {
      await tell('wrong')
      return { outcome: 'refused' }
    }
    await counters.release(key, now)
    return { outcome: 'accepted', location }
  }
}
