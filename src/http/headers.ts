/** What the headers of a page depend on. */
export interface PageContext {
  /** The configured issuer: its scheme decides about HSTS. */
  readonly issuer: string
  /**
   * Whether a form of the page can end at a relying party. Chrome applies `form-action` to every redirect that follows
   * a POST, and where the relying party redirects to is known to nobody here: such a page has no `form-action`. It
   * also keeps the window's opener, because relying parties may run the sign-in in a pop-up that they wait for.
   */
  readonly leadsToApp?: boolean
}

const YEAR_SECONDS = 31_536_000

/** The headers of every page (R23, R30). A page sends nothing to third parties and runs no script but ours. */
export function pageHeaders({
  issuer,
  leadsToApp = false,
}: PageContext): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    'Content-Security-Policy': contentSecurityPolicy(leadsToApp),
    // With `no-referrer` a browser would send `Origin: null` with the page's own form.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    // A page holds a CSRF token at least, a secret at most: no cache and no back button may keep it.
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': leadsToApp ? 'unsafe-none' : 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': PERMISSIONS_POLICY,
    'X-Frame-Options': 'DENY',
  }
  if (new URL(issuer).protocol === 'https:')
    // Not `includeSubDomains`: what the issuer's neighbours serve is not ours to decide.
    headers['Strict-Transport-Security'] = `max-age=${YEAR_SECONDS}`
  return headers
}

/** `default-src` does not stand in for it. */
const FORM_ACTION = "form-action 'self'"

const PERMISSIONS_POLICY = [
  'publickey-credentials-get=(self)',
  'publickey-credentials-create=(self)',
  'clipboard-write=(self)',
  ...['camera', 'display-capture', 'geolocation', 'microphone', 'payment', 'usb'].map(
    (feature) => `${feature}=()`,
  ),
].join(', ')

function contentSecurityPolicy(leadsToApp: boolean): string {
  return [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data: https:",
    "font-src 'self'",
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
