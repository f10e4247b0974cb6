import type { Provider } from 'oidc-provider'

/**
 * Gives every request the issuer's scheme and host, whatever the request says: a false `Host` changes no link (R12),
 * and cookies are still `Secure` behind a proxy that ends TLS. Only the person's address is taken from a proxy, and
 * proxies.ts has reduced that to one value.
 */
export function speakAsIssuer(provider: Provider, issuer: string): void {
  const { protocol, host, hostname } = new URL(issuer)
  const fixed = { protocol: protocol.slice(0, -1), host, hostname }
  for (const [name, value] of Object.entries(fixed))
    Object.defineProperty(provider.request, name, { get: () => value })
  provider.proxy = true
}
