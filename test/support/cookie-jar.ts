import { Cookie, CookieJar as Jar, MemoryCookieStore } from 'tough-cookie'

/** A browser's cookies, kept by tough-cookie; including cookies with a prefix and `Secure` cookies on loopback. */
export class CookieJar {
  #store = new MemoryCookieStore()
  #jar = jarOf(this.#store)

  /** Stores the cookies of a response's `Set-Cookie` headers. */
  store(url: URL, headers: readonly string[]): void {
    for (const header of headers) this.#jar.setCookieSync(header, url, { ignoreError: true })
  }

  /** The `Cookie` header for a request, or undefined if there are no cookies for it. */
  header(url: URL): string | undefined {
    return this.#jar.getCookieStringSync(url) || undefined
  }

  /** All cookies that have not expired, for tests that check attributes or copy or remove a cookie. */
  all(): readonly Cookie[] {
    const cookies = this.#jar.serializeSync()?.cookies ?? []
    return cookies.flatMap((each) => Cookie.fromJSON(each) ?? []).filter((each) => each.TTL() > 0)
  }

  delete(name: string): void {
    for (const { key, domain, path } of this.all())
      if (key === name) void this.#store.removeCookie(domain ?? '', path ?? '', key)
  }

  /** A second jar with the same cookies, as a thief of the cookies has it. */
  copy(): CookieJar {
    const copy = new CookieJar()
    this.#jar.cloneSync(copy.#store)
    return copy
  }
}

function jarOf(store: MemoryCookieStore): Jar {
  return new Jar(store, { allowSecureOnLocal: true, prefixSecurity: 'silent' })
}
