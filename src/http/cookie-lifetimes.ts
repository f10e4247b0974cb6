import type { ServerResponse } from 'node:http'

/**
 * Adds `Max-Age` to each cookie of the response that names the time of its end and no length. A browser prefers it (RFC
 * 6265 5.3) and counts it by its own clock. By `expires` alone it would drop the cookies of a server whose clock is
 * behind as soon as it got them, and no sign-in would go beyond its first page. `now`: the clock that has set `expires`,
 * in seconds.
 */
export function giveCookiesLengths(response: ServerResponse, now: () => number): void {
  const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse
  response.writeHead = (...given: unknown[]) => {
    const cookies = response.getHeader('set-cookie')
    if (Array.isArray(cookies))
      response.setHeader(
        'set-cookie',
        cookies.map((cookie) => withMaxAge(cookie, now())),
      )
    return writeHead(...given)
  }
}

/** A cookie that is taken back ends in the past, and stays as it is. */
function withMaxAge(cookie: string, now: number): string {
  const [, expires] = /;\s*expires=([^;]+)/i.exec(cookie) ?? []
  if (expires === undefined || /;\s*max-age=/i.test(cookie)) return cookie
  const seconds = Math.floor(Date.parse(expires) / 1000) - now
  return seconds > 0 ? `${cookie}; max-age=${seconds}` : cookie
}
