import type { IncomingHttpHeaders } from 'node:http'
import { MfaError } from '../domain/errors.ts'

/**
 * Whether a state-changing request comes from a page of this server (R30), judged by what only a browser can
 * set: `Origin` and `Sec-Fetch-Site`. Compared with the configured issuer, never with `Host`, which the sender
 * chooses. A second line behind the token: it also stops a sibling subdomain that can plant cookies.
 *
 * `Origin: null` is refused: sandboxed frames and redirects from elsewhere send it. Both headers missing is
 * allowed, for old browsers; each that is there must fit. `Sec-Fetch-Site: none` is a reload or a restored tab:
 * no other site can cause it.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, issuer: string): boolean {
  const origin = headers.origin
  const site = headers['sec-fetch-site']
  if (origin !== undefined && origin !== new URL(issuer).origin) return false
  return site === undefined || site === 'same-origin' || site === 'none'
}

/** Throws MfaError `form-forged` (403) unless `isSameOrigin`. */
export function checkOrigin(headers: IncomingHttpHeaders, issuer: string): void {
  if (!isSameOrigin(headers, issuer))
    throw new MfaError('form-forged', 'The form was posted from another origin.', { status: 403 })
}
