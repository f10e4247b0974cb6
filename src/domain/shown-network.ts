/** The first bits of an address that say where it is; the rest would name one household or one machine. */
const IPV4_BITS = 24
const IPV6_BITS = 48
const GROUP_BITS = 16
const GROUPS = 8

/**
 * The network of an address as people are shown it: `203.0.113.0/24`, `2001:db8:1::/48`. An IPv4 address in IPv6 form
 * counts as IPv4. Undefined: this is no address.
 */
export function shownNetwork(address: string): string | undefined {
  const mapped = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(address)
  if (mapped !== null) {
    const bytes = mapped.slice(1).map(Number)
    return bytes.every((byte) => byte < 256)
      ? `${bytes.slice(0, 3).join('.')}.0/${IPV4_BITS}`
      : undefined
  }
  const groups = groupsOf(address)
  if (groups === undefined) return undefined
  const shown = groups.slice(0, IPV6_BITS / GROUP_BITS).map((group) => group.toString(16))
  while (shown.at(-1) === '0') shown.pop()
  return `${shown.join(':')}::/${IPV6_BITS}`
}

/** The eight groups of an IPv6 address, of which `::` stands for those that are zero. */
function groupsOf(address: string): readonly number[] | undefined {
  const [unzoned = ''] = address.split('%')
  const halves = unzoned.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const zeros = GROUPS - head.length - tail.length
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...tail]
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined
}
