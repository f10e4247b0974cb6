interface Cookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly path: string
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite?: string
  readonly expiresAt?: number
}

/** A browser's cookies: by host and path, ports ignored, prefixes and `Secure` enforced. No public suffixes. */
export class CookieJar {
  #cookies: Cookie[] = []

  /** Takes a response's `Set-Cookie` headers. */
  store(url: URL, headers: readonly string[], now = Date.now()): void {
    for (const header of headers) {
      const cookie = parse(url, header, now)
      if (cookie === undefined) continue
      this.#cookies = this.#cookies.filter((each) => !sameKey(each, cookie))
      if (cookie.expiresAt === undefined || cookie.expiresAt > now) this.#cookies.push(cookie)
    }
  }

  /** The `Cookie` header for a request; undefined: none. */
  header(url: URL, now = Date.now()): string | undefined {
    const pairs = this.#cookies
      .filter((cookie) => cookie.expiresAt === undefined || cookie.expiresAt > now)
      .filter((cookie) => cookie.domain === url.hostname && pathFits(cookie.path, url.pathname))
      .filter((cookie) => !cookie.secure || isTrustworthy(url))
      .sort((one, other) => other.path.length - one.path.length)
      .map((cookie) => `${cookie.name}=${cookie.value}`)
    return pairs.length === 0 ? undefined : pairs.join('; ')
  }

  /** All of them: for tests that look at attributes, copy a cookie or drop one. */
  all(): readonly Cookie[] {
    return this.#cookies
  }

  delete(name: string | RegExp): void {
    this.#cookies = this.#cookies.filter((cookie) =>
      typeof name === 'string' ? cookie.name !== name : !name.test(cookie.name),
    )
  }

  /** A second jar with the same cookies: what a thief of them has. */
  copy(): CookieJar {
    const jar = new CookieJar()
    jar.#cookies = [...this.#cookies]
    return jar
  }
}

function parse(url: URL, header: string, now: number): Cookie | undefined {
  const [pair = '', ...rest] = header.split(';').map((part) => part.trim())
  const at = pair.indexOf('=')
  const attributes = new Map(
    rest.map((part): [string, string] => {
      const [name = '', value = ''] = part.split('=', 2)
      return [name.trim().toLowerCase(), value.trim()]
    }),
  )
  const name = pair.slice(0, at)
  const secure = attributes.has('secure')
  const path = attributes.get('path') ?? '/'
  if (at < 1 || (secure && !isTrustworthy(url))) return undefined
  if (name.startsWith('__Host-') && (!secure || path !== '/' || attributes.has('domain')))
    return undefined
  if (name.startsWith('__Secure-') && !secure) return undefined
  const maxAge = attributes.get('max-age')
  const expires = attributes.get('expires')
  const expiresAt =
    maxAge !== undefined ? now + Number(maxAge) * 1000 : expires && Date.parse(expires)
  const sameSite = attributes.get('samesite')
  return {
    name,
    value: pair.slice(at + 1),
    domain: url.hostname,
    path,
    secure,
    httpOnly: attributes.has('httponly'),
    ...(sameSite === undefined ? {} : { sameSite }),
    ...(typeof expiresAt === 'number' ? { expiresAt } : {}),
  }
}

function sameKey(one: Cookie, other: Cookie): boolean {
  return one.name === other.name && one.domain === other.domain && one.path === other.path
}

function pathFits(cookiePath: string, path: string): boolean {
  if (path === cookiePath) return true
  return path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}

/** Browsers treat loopback like https. */
function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
}
