import { Cookie, CookieJar as Jar, MemoryCookieStore } from 'tough-cookie'

/** A browser's cookies, by tough-cookie: also those with a prefix, and `Secure` ones on loopback. */
export class CookieJar {
  #store = new MemoryCookieStore()
  #jar = jarOf(this.#store)

  /** Takes a response's `Set-Cookie` headers. */
  store(url: URL, headers: readonly string[]): void {
    for (const header of headers) this.#jar.setCookieSync(header, url, { ignoreError: true })
  }

  /** The `Cookie` header for a request; undefined: none. */
  header(url: URL): string | undefined {
    return this.#jar.getCookieStringSync(url) || undefined
  }

  /** All that have not expired: for tests that look at attributes, copy a cookie or drop one. */
  all(): readonly Cookie[] {
    const cookies = this.#jar.serializeSync()?.cookies ?? []
    return cookies.flatMap((each) => Cookie.fromJSON(each) ?? []).filter((each) => each.TTL() > 0)
  }

  delete(name: string): void {
    for (const { key, domain, path } of this.all())
      if (key === name) void this.#store.removeCookie(domain ?? '', path ?? '', key)
  }

  /** A second jar with the same cookies: what a thief of them has. */
  copy(): CookieJar {
    const copy = new CookieJar()
    this.#jar.cloneSync(copy.#store)
    return copy
  }
}

function jarOf(store: MemoryCookieStore): Jar {
  return new Jar(store, { allowSecureOnLocal: true, prefixSecurity: 'silent' })
}
