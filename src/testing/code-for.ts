import { secretBox } from '../adapters/crypto/index.ts'
import { loadRecord } from '../application/commit.ts'
import { existingStates } from '../application/owned-states.ts'
import { MfaError } from '../domain/errors.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor } from '../factors/factor.ts'
import { codesOf } from '../factors/totp/code.ts'
import { type TotpParameters } from '../factors/totp/parameters.ts'
import type { Mfa } from '../index.ts'
import { partsOf } from '../plugin/made.ts'
import { parseKeys, type MfaOptions } from '../plugin/options.ts'
import type { PasswordHasher } from '../ports/services.ts'

const TOTP = 'totp'
/** Time steps after the present one that are tried; a window has fewer (R6). */
const STEPS_AHEAD = 6

/**
 * A code that the account's authenticator app could show and that the next sign-in accepts, for the tests of an
 * application whose second factor is on. The secrets are sealed, so it needs the encryption keys, as `createMfa` has
 * them.
 *
 * A sign-in spends the time step of its code and all before it (R5). If the present step is spent, the function answers
 * the code of the next one, which is within the window; so two sign-ins without waiting succeed. A third needs a later
 * time: the error says by how many seconds the clock has to move. Several authenticators: the last used one.
 *
 * Throws MfaError `options-invalid` (an `mfa` that is not from `createMfa`, an account without an authenticator app, or
 * no code left at this time), `key-missing` and `seal-broken`.
 */
export async function codeFor(
  mfa: Mfa,
  accountId: string,
  { encryptionKeys }: Pick<MfaOptions, 'encryptionKeys'>,
): Promise<string> {
  const parts = partsOf(mfa)
  if (parts === undefined) throw refused('its first argument is not the result of createMfa')
  const factor = parts.factors.get(TOTP)
  if (factor === undefined) throw refused('totp() is not among the factors')
  const { record } = await loadRecord(parts, accountId)
  const box = secretBox({ keys: parseKeys(encryptionKeys) })
  const [owned] = existingStates({ box }, record, factor)
  if (owned === undefined) throw refused('this account has no authenticator app')
  const now = parts.clock.now()
  const code = await acceptedCode({ factor, owned, hasher: parts.hasher }, now)
  if (code !== undefined) return code
  const seconds = await secondsUntilAccepted({ factor, owned, hasher: parts.hasher }, now)
  throw refused(`every code of this time is spent; move the clock on by ${seconds} seconds`)
}

interface Asked {
  readonly factor: AnyFactor
  readonly owned: Parameters<AnyFactor['examine']>[0]['states'][number]
  readonly hasher: PasswordHasher
}

/** The first code, from the present time step on, that the factor itself accepts. */
async function acceptedCode(asked: Asked, now: Instant): Promise<string | undefined> {
  const parameters = asked.owned.state as unknown as TotpParameters
  const present = Math.floor(now / parameters.periodSeconds)
  for (let ahead = 0; ahead <= STEPS_AHEAD; ahead += 1) {
    const code = codesOf(parameters)(present + ahead)
    if (await isAccepted(asked, code, now)) return code
  }
  return undefined
}

async function isAccepted(
  { factor, owned, hasher }: Asked,
  code: string,
  now: Instant,
): Promise<boolean> {
  const given = { states: [owned], challenge: null, response: { code }, now, hasher }
  const examined = await factor.examine(given)
  return examined.outcome === 'proved' && factor.consume(owned.state, examined.proof) !== undefined
}

async function secondsUntilAccepted(asked: Asked, now: Instant): Promise<number> {
  const { periodSeconds } = asked.owned.state as unknown as TotpParameters
  for (let step = 1; step <= 2 * STEPS_AHEAD; step += 1) {
    const later = (Math.floor(now / periodSeconds) + step) * periodSeconds
    if ((await acceptedCode(asked, later)) !== undefined) return later - now
  }
  return periodSeconds * STEPS_AHEAD
}

function refused(fault: string): MfaError {
  return new MfaError('options-invalid', `codeFor: ${fault}`)
}
