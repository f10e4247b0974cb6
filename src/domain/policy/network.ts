/** A network of addresses: the first one, and how many of its first bits all of them share. */
export interface Network {
  readonly family: 4 | 6
  /** The first address as a number. */
  readonly first: bigint
  readonly prefix: number
}

const BITS = { 4: 32, 6: 128 } as const
const GROUP_BITS = 16
const GROUPS = 8
/** An IPv4 address in IPv6 form, such as `::ffff:203.0.113.7`, has these bits in front. */
const MAPPED = 0xffffn
const MAPPED_BITS = 96

/** All addresses: a rule without networks matches from everywhere. */
export const EVERYWHERE: readonly Network[] = [
  { family: 4, first: 0n, prefix: 0 },
  { family: 6, first: 0n, prefix: 0 },
]

/**
 * Reads a network in CIDR notation, or a single address. Bits behind the prefix do not matter, and a network of IPv4
 * addresses in IPv6 form counts as IPv4. Undefined: the text is neither.
 */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/')
  const single = plainAddress(address)
  if (single === undefined || rest.length > 0) return undefined
  if (length === undefined) return unmapped(single)
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) : Infinity
  if (prefix > BITS[single.family]) return undefined
  return unmapped({ ...single, first: firstOf(single, prefix), prefix })
}

/**
 * Reads an address. An IPv4 address in IPv6 form counts as IPv4; a zone, as in `fe80::1%eth0`, does not matter.
 * Undefined: the text is no address.
 */
export function parseAddress(text: string): Network | undefined {
  const [unzoned = ''] = text.split('%')
  return unzoned.includes('/') ? undefined : parseNetwork(unzoned)
}

/** Whether every address of the inner network is in the outer one. */
export function contains(outer: Network, inner: Network): boolean {
  return (
    outer.family === inner.family &&
    outer.prefix <= inner.prefix &&
    firstOf(inner, outer.prefix) === outer.first
  )
}

/** The addresses that are in both networks. Undefined: there are none. */
export function commonOf(one: Network, other: Network): Network | undefined {
  if (contains(one, other)) return other
  return contains(other, one) ? one : undefined
}

function firstOf({ family, first }: Network, prefix: number): bigint {
  const free = BigInt(BITS[family] - prefix)
  return (first >> free) << free
}

/** A prefix that ends before these bits leaves others in their place, because bits behind a prefix are zero. */
function unmapped(network: Network): Network {
  const { family, first, prefix } = network
  if (family === 4 || first >> 32n !== MAPPED) return network
  return { family: 4, first: first & 0xffff_ffffn, prefix: prefix - MAPPED_BITS }
}

function plainAddress(text: string): Network | undefined {
  const family = text.includes(':') ? 6 : 4
  const parts = family === 6 ? groupsOf(text) : bytesOf(text)
  if (parts === undefined) return undefined
  const width = family === 6 ? 16n : 8n
  const first = parts.reduce((sum, part) => (sum << width) | BigInt(part), 0n)
  return { family, first, prefix: BITS[family] }
}

/** A leading zero is refused: some programs read such a number as octal. */
function bytesOf(text: string): readonly number[] | undefined {
  const parts = text.split('.')
  const fits = parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  return parts.length === 4 && fits ? parts.map(Number) : undefined
}

/** The eight groups of an IPv6 address, of which `::` stands for those that are zero. */
function groupsOf(text: string): readonly number[] | undefined {
  const written = withoutDots(text)
  const halves = written?.split('::') ?? []
  if (halves.length === 0 || halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const zeros = GROUPS - head.length - tail.length
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...tail]
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, GROUP_BITS))
    : undefined
}

/** The last 32 bits may be written as an IPv4 address. */
function withoutDots(text: string): string | undefined {
  if (!text.includes('.')) return text
  const at = text.lastIndexOf(':') + 1
  const bytes = bytesOf(text.slice(at))
  if (bytes === undefined) return undefined
  const [a, b, c, d] = bytes as [number, number, number, number]
  return `${text.slice(0, at)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
