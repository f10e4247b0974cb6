/** What the headers of a page depend on. */
export interface PageContext {
  /** The configured issuer: its scheme decides about HSTS. */
  readonly issuer: string
  /**
   * Interaction pages only: the `redirect_uri` of the authorization request. Chrome applies `form-action` to
   * every redirect that follows a POST, so the relying party has to be named; and it keeps the window's opener,
   * since relying parties may run the sign-in in a pop-up that they wait for.
   */
  readonly returnsTo?: string
}

const YEAR_SECONDS = 31_536_000

/** The headers of every page (R23, R30). A page sends nothing to third parties and runs no script but ours. */
export function pageHeaders(context: PageContext): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    'Content-Security-Policy': contentSecurityPolicy(context.returnsTo),
    // With `no-referrer` a browser would send `Origin: null` with the page's own form.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    // A page holds a CSRF token at least, a secret at most: no cache and no back button may keep it.
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': context.returnsTo === undefined ? 'same-origin' : 'unsafe-none',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': PERMISSIONS_POLICY,
    'X-Frame-Options': 'DENY',
  }
  if (new URL(context.issuer).protocol === 'https:')
    // Not `includeSubDomains`: what the issuer's neighbours serve is not ours to decide.
    headers['Strict-Transport-Security'] = `max-age=${YEAR_SECONDS}`
  return headers
}

const PERMISSIONS_POLICY = [
  'publickey-credentials-get=(self)',
  'publickey-credentials-create=(self)',
  'clipboard-write=(self)',
  ...['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'usb'].map(
    (feature) => `${feature}=()`,
  ),
].join(', ')

function contentSecurityPolicy(returnsTo: string | undefined): string {
  const formAction = ["'self'", ...(returnsTo === undefined ? [] : redirectSources(returnsTo))]
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data: https:",
    "font-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action ${formAction.join(' ')}`,
  ].join('; ')
}

/**
 * The sources `form-action` must name so that the redirect to a relying party goes through: its origin, or the
 * scheme of a native app, and `https:`, since the relying party may redirect further and Chrome follows the
 * whole chain. Takes only what URL has parsed, so that a redirect URI cannot add a directive of its own.
 */
export function redirectSources(redirectUri: string): readonly string[] {
  if (!URL.canParse(redirectUri)) return []
  const { protocol, origin, hostname } = new URL(redirectUri)
  if (protocol === 'https:') return ['https:']
  // CSP has no syntax for an IPv6 address: the scheme is the narrowest source that holds it.
  if (protocol === 'http:') return [hostname.startsWith('[') ? 'http:' : origin, 'https:']
  return [protocol, 'https:']
}
