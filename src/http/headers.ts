/** The inputs of the headers of a page. */
export interface PageContext {
  /** The configured issuer: its scheme decides about HSTS. */
  readonly issuer: string
  /**
   * Whether a form of the page can end at a relying party. Chrome applies `form-action` to every redirect that follows
   * a POST, and this server cannot know the redirects of the relying party: such a page has no `form-action`. It also
   * keeps the window's opener, because relying parties may run the sign-in in a pop-up and wait for it.
   */
  readonly leadsToApp?: boolean
  /** Whether a script of the page asks this server for data. */
  readonly fetches?: boolean
}

const YEAR_SECONDS = 31_536_000

/** The headers of every page (R23, R30). A page sends nothing to third parties and runs only scripts of this server. */
export function pageHeaders({
  issuer,
  leadsToApp = false,
  fetches = false,
}: PageContext): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    'Content-Security-Policy': contentSecurityPolicy(leadsToApp, fetches),
    // With `no-referrer` a browser would send `Origin: null` with the page's own form.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    // Each page holds a CSRF token, and some hold a secret: no cache and no back button may keep it.
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': leadsToApp ? 'unsafe-none' : 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': PERMISSIONS_POLICY,
    'X-Frame-Options': 'DENY',
  }
  if (new URL(issuer).protocol === 'https:')
    // Not `includeSubDomains`: the plugin must not decide for other hosts in the issuer's domain.
    headers['Strict-Transport-Security'] = `max-age=${YEAR_SECONDS}`
  return headers
}

/** Has to be set by itself, because `default-src` does not apply to forms. */
const FORM_ACTION = "form-action 'self'"

const PERMISSIONS_POLICY = [
  'publickey-credentials-get=(self)',
  'publickey-credentials-create=(self)',
  'clipboard-write=(self)',
  ...['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'usb'].map(
    (feature) => `${feature}=()`,
  ),
].join(', ')

function contentSecurityPolicy(leadsToApp: boolean, fetches: boolean): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data: https:",
    "font-src 'self'",
    ...(fetches ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(leadsToApp ? [] : [FORM_ACTION]),
  ].join('; ')
}

/** The same content security policy for a page whose form can end at a relying party. */
export function withoutFormAction(policy: string): string {
  const directives = policy.split(';').map((directive) => directive.trim())
  return directives.filter((directive) => directive !== FORM_ACTION).join('; ')
}
