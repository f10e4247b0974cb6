import type { Provider } from 'oidc-provider'

/**
 * Scheme and host of every request are the issuer's, whatever it says of itself: a false `Host` changes no link
 * (R12), and behind a proxy that ends TLS cookies are still `Secure`. Of a proxy only the address of the person
 * is taken, and proxies.ts has made that one value.
 */
export function speakAsIssuer(provider: Provider, issuer: string): void {
  const { protocol, host, hostname } = new URL(issuer)
  const fixed = { protocol: protocol.slice(0, -1), host, hostname }
  for (const [name, value] of Object.entries(fixed))
    Object.defineProperty(provider.request, name, { get: () => value })
  provider.proxy = true
}
