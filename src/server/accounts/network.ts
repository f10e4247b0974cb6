import ipaddr from 'ipaddr.js'
import { isIP } from 'node:net'

/**
 * The part of an address that belongs to one party: all of an IPv4 address, the first 64 bits of an IPv6 address,
 * because a subscriber usually gets all addresses of such a network (R4). Text that is no address stays as it is.
 */
export function networkOf(text: string): string {
  return networksOf(text)[0]
}

/**
 * The network of an address, and for IPv6 the larger ones around it: a provider gives a subscriber a /56 or a /48, which
 * has 256 or 65,536 networks of 64 bits (R43).
 */
export function networksOf(text: string): readonly [string, ...string[]] {
  const address = parseAddress(text)
  if (address === undefined) return [text]
  if (!(address instanceof ipaddr.IPv6)) return [address.toString()]
  const network = (bits: number): string => {
    const groups = address.parts.slice(0, 4).map((group, at) => group & maskOf(bits - 16 * at))
    return `${groups.map((group) => group.toString(16)).join(':')}::/${bits}`
  }
  return [network(64), network(56), network(48)]
}

/** The mask of a group of 16 bits, of which so many belong to the network. */
function maskOf(bits: number): number {
  const own = Math.min(16, Math.max(0, bits))
  return (0xffff << (16 - own)) & 0xffff
}

/** Returns an IPv4 address in IPv6 form as IPv4. A socket that listens on both families reports that form. */
export function unmapped(text: string): string {
  return parseAddress(text)?.toString() ?? text
}

/**
 * Returns undefined for text that is no address. Node decides this, since `ipaddr.js` also takes the old forms of
 * `inet_aton` and would read `010.0.0.1` as 8.0.0.1.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return isIP(text) === 0 ? undefined : ipaddr.process(text)
}
