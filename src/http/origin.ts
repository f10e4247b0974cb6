import type { IncomingHttpHeaders } from 'node:http'
import { MfaError } from '../domain/errors.ts'

/**
 * Whether a state-changing request comes from a page of this server (R30), judged by headers that only a browser can
 * set: `Origin` and `Sec-Fetch-Site`. `Origin` is compared with the configured issuer, never with `Host`, which the
 * sender chooses. It is a second defence beside the token: it also stops a sibling subdomain that can plant cookies.
 *
 * `Origin: null` alone is refused: sandboxed frames and redirects from elsewhere send it. With `Sec-Fetch-Site:
 * same-origin` it comes from our own page, behind a proxy that adds `Referrer-Policy: no-referrer`; a sandboxed frame
 * sends `cross-site`. A request without both headers is allowed, for old browsers; each header that is present must
 * fit. `Sec-Fetch-Site: none` is a reload or a restored tab: no other site can cause it.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, issuer: string): boolean {
  const origin = headers.origin
  const site = headers['sec-fetch-site']
  if (origin === 'null') return site === 'same-origin'
  if (origin !== undefined && origin !== new URL(issuer).origin) return false
  return site === undefined || site === 'same-origin' || site === 'none'
}

/** The number of characters of a sender's header that the log shows. */
const LONGEST_SHOWN = 120

/** Throws MfaError `form-forged` (403) unless `isSameOrigin`. */
export function checkOrigin(headers: IncomingHttpHeaders, issuer: string): void {
  if (isSameOrigin(headers, issuer)) return
  const { origin = 'none', 'sec-fetch-site': site = 'none' } = headers
  throw new MfaError(
    'form-forged',
    `The form was posted from another origin than ${new URL(issuer).origin}: the header Origin is ` +
      `${origin.slice(0, LONGEST_SHOWN)}, Sec-Fetch-Site is ${String(site).slice(0, LONGEST_SHOWN)}.`,
    { status: 403 },
  )
}
