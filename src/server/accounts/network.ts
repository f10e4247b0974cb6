import { isIPv4, isIPv6 } from 'node:net'

/**
 * The part of an address that is one party: all of IPv4, the first 64 bits of IPv6, of which whoever has
 * one address has all (R4). IPv4 in IPv6 form is the same party.
 */
export function networkOf(address: string): string {
  const plain = unmapped(address)
  if (isIPv4(plain) || !isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const all = [...before, ...Array<string>(Math.max(zeros, 0)).fill('0'), ...after]
  return `${all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** `::ffff:192.0.2.1`, as a socket that listens on both families tells it, is 192.0.2.1. */
export function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}

/** Dotted ends (`64:ff9b::192.0.2.1`) stand for two groups; what they hold is beyond the first 64 bits. */
function groups(part: string): string[] {
  return part
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}
