import { clearCookie, readCookie, setCookie } from '../../src/http/cookies.ts'
import { HOUR_SECONDS } from '../../src/domain/time.ts'
import { providerOf } from '../core.ts'
import { pathOf, type Visit } from './visit.ts'

const COOKIE = 'mfa_codes'

/**
 * Keeps fresh look-up secrets for the page that shows them once. The database has nothing but their hashes (R8), so
 * they travel in a cookie of the one browser that may see them. The cookie is sealed to the account and the
 * interaction, and only that interaction's pages receive it.
 */
export function keepShownCodes(visit: Visit, codes: readonly string[]): void {
  const sealed = visit.core.deps.box.seal(JSON.stringify(codes), sealContext(visit))
  setCookie(visit.ctx.res, COOKIE, sealed, scopeOf(visit), { maxAgeSeconds: HOUR_SECONDS })
}

/** Undefined: the codes were shown and confirmed already, their hour is over, or another browser has them. */
export function readShownCodes(visit: Visit): readonly string[] | undefined {
  const sealed = readCookie(visit.ctx.req.headers.cookie, COOKIE, scopeOf(visit))
  if (sealed === undefined) return undefined
  try {
    return JSON.parse(visit.core.deps.box.open(sealed, sealContext(visit))) as string[]
  } catch {
    return undefined
  }
}

export function forgetShownCodes(visit: Visit): void {
  clearCookie(visit.ctx.res, COOKIE, scopeOf(visit))
}

function scopeOf(visit: Visit): { issuer: string; path: string } {
  return { issuer: providerOf(visit.core).issuer, path: pathOf(visit) }
}

function sealContext(visit: Visit): { accountId: string; purpose: string } {
  return {
    accountId: visit.subject.accountId,
    purpose: JSON.stringify(['shown-codes', visit.interaction.uid]),
  }
}
