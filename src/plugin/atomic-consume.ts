import type { Provider } from 'oidc-provider'
import { adapterOf } from '../host/interaction.ts'
import type { HostAdapter } from '../ports/host-records.ts'

/** The models whose records are used once. The host calls their `consume` and does not look at its result. */
const USED_ONCE = ['AuthorizationCode', 'RefreshToken', 'DeviceCode'] as const

/**
 * Warns once if the application's adapter does not say that its `consume` is atomic. The host reads a code, looks
 * whether it was used, and calls `consume` afterwards: with an adapter that only stores the mark, parallel requests
 * get several tokens for one code (R21).
 */
export function warnOfConsume(provider: Provider): void {
  const unknown = USED_ONCE.filter((model) => !isAtomic(provider, model))
  if (unknown.length === 0) return
  process.emitWarning(
    `The oidc-provider adapter does not say that its \`consume\` is atomic (${unknown.join(', ')}).`,
    {
      type: 'MfaWarning',
      code: 'adapter-consume-unknown',
      detail:
        'Parallel requests may redeem one authorization code, refresh token or device code several times. Make ' +
        '`consume` one conditional update that throws errors.InvalidGrant to the second caller, check it with ' +
        '`describeAtomicConsume` of oidc-provider-mfa/testing, and give the adapter the property `atomicConsume = true`.',
    },
  )
}

/** Whether the adapter of a model says that a record is used once, and stays used. */
export function isAtomic(provider: Provider, model: (typeof USED_ONCE)[number]): boolean {
  try {
    return (adapterOf(provider, model) as HostAdapter).atomicConsume === true
  } catch {
    // The adapter cannot be made before its database is there.
    return false
  }
}
