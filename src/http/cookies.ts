import type { ServerResponse } from 'node:http'

/** The scope of one of our cookies. */
export interface CookieScope {
  /** The configured issuer: its scheme decides about `Secure` and the name's prefix. */
  readonly issuer: string
  readonly path: string
}

export interface CookieLife {
  /** Seconds. Absent: until the browser closes. */
  readonly maxAgeSeconds?: number
}

/**
 * The name under which a browser keeps the cookie. With https it carries the prefix that makes a browser refuse
 * the same name from a sibling subdomain (`__Host-`, only for path `/`) or over plain http (`__Secure-`).
 */
export function cookieName(base: string, scope: CookieScope): string {
  if (!isHttps(scope)) return base
  return `${scope.path === '/' ? '__Host-' : '__Secure-'}${base}`
}

/** Adds a `Set-Cookie` to the existing ones: HttpOnly, SameSite=Lax, and Secure with https (R30). */
export function setCookie(
  response: ServerResponse,
  base: string,
  value: string,
  scope: CookieScope,
  life: CookieLife = {},
): void {
  const attributes = [
    `${cookieName(base, scope)}=${encodeURIComponent(value)}`,
    `Path=${scope.path}`,
    ...(life.maxAgeSeconds === undefined ? [] : [`Max-Age=${Math.floor(life.maxAgeSeconds)}`]),
    'HttpOnly',
    'SameSite=Lax',
    ...(isHttps(scope) ? ['Secure'] : []),
  ]
  response.appendHeader('Set-Cookie', attributes.join('; '))
}

export function clearCookie(response: ServerResponse, base: string, scope: CookieScope): void {
  setCookie(response, base, '', scope, { maxAgeSeconds: 0 })
}

/**
 * The value of our cookie in a `Cookie` header. Undefined if it is missing, empty, unreadable, or present twice: two
 * cookies of one name mean that an attacker planted one, and it cannot be known which.
 */
export function readCookie(
  header: string | undefined,
  base: string,
  scope: CookieScope,
): string | undefined {
  const name = cookieName(base, scope)
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
  const [value, second] = values
  if (value === undefined || value === '' || second !== undefined) return undefined
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/** The names of our cookies in a `Cookie` header that begin with `prefix`, each once, in the order of the header. */
export function cookiesWith(
  header: string | undefined,
  prefix: string,
  scope: CookieScope,
): readonly string[] {
  const begin = cookieName(prefix, scope)
  const names = (header ?? '')
    .split(';')
    .map((pair) => pair.trim().split('=', 1)[0] ?? '')
    .filter((name) => name.startsWith(begin))
  return [...new Set(names)].map((name) => prefix + name.slice(begin.length))
}

function isHttps(scope: CookieScope): boolean {
  return new URL(scope.issuer).protocol === 'https:'
}
